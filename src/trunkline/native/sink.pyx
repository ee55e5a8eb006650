# No twin: in the reference, receivers take bytes objects.
# Owns nothing. Runs on the loop's thread.
"""What takes the bytes of a stream without an object for them."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from trunkline.native.timer_wheel cimport Timed


cdef class Sink(Timed):
    cdef int receive(self, uint8_t* data, size_t size) except -1:
        """Take `data`, which is writable and gone when this returns."""
        raise NotImplementedError

    cdef size_t wanted(self, uint8_t** where) noexcept:
        """Say how many bytes are best received straight to `where`."""
        return 0

    cdef int received(self, size_t size) except -1:
        """Take note that so many have been."""
        return 0

    cdef int ended(self) except -1:
        """The peer will send nothing more."""
        raise NotImplementedError

    cdef int resumed(self) except -1:
        """The unsent bytes have fallen below low water."""
        raise NotImplementedError

    cdef int lost(self, object error) except -1:
        """The stream is gone; this is the last that is heard of it."""
        raise NotImplementedError

    cdef object owner(self):
        return self

    cdef bint holds_back(self) noexcept:
        return False

    cdef int note_control(self, size_t size) except -1:
        return 0


cdef class Nobody(Sink):
    cdef int lost(self, object error) except -1:
        return 0


cdef class Hearer(Sink):
    cdef int receive(self, uint8_t* data, size_t size) except -1:
        self.receiver.bytes_received(PyBytes_FromStringAndSize(<char*>data, size))
        return 0

    cdef int ended(self) except -1:
        self.receiver.end_received()
        return 0

    cdef int resumed(self) except -1:
        self.receiver.writing_resumed()
        return 0

    cdef int lost(self, object error) except -1:
        self.receiver.stream_lost(error)
        return 0


nobody = Nobody()


cdef Sink sink_for(receiver):
    cdef Hearer hearer
    if receiver is None:
        return nobody
    if isinstance(receiver, Sink):
        return receiver
    hearer = Hearer.__new__(Hearer)
    hearer.receiver = receiver
    return hearer


cdef object receiver_of(Sink sink):
    if type(sink) is Hearer:
        return (<Hearer>sink).receiver
    return None if sink is nobody else sink
