# No twin: asyncio puts a protocol of its own in this place.
# Owns nothing; a layer is owned by its stream.
"""What stands between a stream and its socket, such as TLS."""

from libc.stdint cimport uint8_t


cdef class Layer:
    cdef ssize_t recv(self, uint8_t* target, size_t size) except -3:
        raise NotImplementedError

    cdef ssize_t send(self, const uint8_t* data, size_t size) except -3:
        raise NotImplementedError

    cdef bint holds(self) except -1:
        return False

    cdef ssize_t flush(self) except -3:
        return 0

    cdef size_t unsent(self) noexcept:
        return 0

    cdef int end(self) except -1:
        return 0

    cdef object get_extra_info(self, str name):
        return None
