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
