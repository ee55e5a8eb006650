from libc.stdint cimport uint8_t


cdef class Sink:
    """Takes bytes in place, without a bytes object."""

    cdef int receive(self, uint8_t* data, size_t size) except -1
    cdef size_t wanted(self, uint8_t** where) noexcept
    cdef int received(self, size_t size) except -1
