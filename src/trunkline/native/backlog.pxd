# The kernel of backlogs.
from libc.stdint cimport uint8_t


cdef extern from "backlog.h" nogil:
    ctypedef struct tl_backlog:
        size_t start
        size_t size
        size_t capacity
        uint8_t* bytes
    uint8_t* tl_backlog_reserve(tl_backlog** backlog, size_t size) noexcept
    void tl_backlog_free(tl_backlog** backlog) noexcept
