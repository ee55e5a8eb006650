# What has gone through the connections of one setting.
cimport cython
from libc.stdint cimport uint64_t


@cython.final
cdef class Traffic:
    cdef public uint64_t messages_received
    cdef public uint64_t messages_sent
    cdef public uint64_t bytes_received
    cdef public uint64_t bytes_sent
    cdef public uint64_t control_received
    cdef public uint64_t dropped
    cdef public uint64_t discarded
    cdef public uint64_t paused
    cdef public uint64_t closed

    cdef inline void sent(self, size_t size) noexcept:
        """Count a message that has left in one frame of `size` bytes."""
        self.messages_sent += 1
        self.bytes_sent += size
