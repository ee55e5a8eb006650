cimport cython
from libc.stdint cimport uint8_t

from trunkline.native.timer_wheel cimport Timed


cdef class Sink(Timed):
    """Takes bytes in place, without a bytes object; and is the one timer that it needs."""

    cdef int receive(self, uint8_t* data, size_t size) except -1
    cdef size_t wanted(self, uint8_t** where) noexcept
    cdef int received(self, size_t size) except -1

    # As the methods of a receiver in engines/engine.py
    cdef int ended(self) except -1
    cdef int resumed(self) except -1
    cdef int lost(self, object error) except -1

    # Who the stream is for, which may be behind this
    cdef object owner(self)
    # Whether reading is to stay paused, whatever the user wants
    cdef bint holds_back(self) noexcept
    # Take note of bytes that are written past the link, and are no message
    cdef int note_control(self, size_t size) except -1


# For those that take bytes objects.
@cython.final
cdef class Hearer(Sink):
    cdef object receiver  # engines.engine.Receiver


# Where nobody is: what arrives there is a mistake, and an end is none.
cdef Sink nobody


# Give a sink for a receiver, which may be one; for None, nobody.
cdef Sink sink_for(receiver)
# Give what sink_for() was asked with.
cdef object receiver_of(Sink sink)
