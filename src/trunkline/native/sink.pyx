# No twin: in the reference, receivers take bytes objects.
# Owns nothing. Runs on the loop's thread.
"""What takes the bytes of a stream without an object for them."""

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
