# The contract of what stands between a stream and its socket.
from libc.stdint cimport uint8_t

cdef enum:
    # What receiving and sending come to, besides a number of bytes.
    ENDED = 0
    LATER = -1  # not now
    FAILED = -2  # never again; `error` says why


cdef class Layer:
    cdef object error

    # As recv(2) and send(2), with the above. Sending takes what it can encrypt; some of that
    # may wait inside, in which case nothing more is taken.
    cdef ssize_t recv(self, uint8_t* target, size_t size) except -3
    cdef ssize_t send(self, const uint8_t* data, size_t size) except -3

    # Whether recv() has something to say without asking the socket: epoll knows nothing of it.
    cdef bint holds(self) except -1

    # Send what waits inside: FAILED, or 0.
    cdef ssize_t flush(self) except -3
    cdef size_t unsent(self) noexcept

    # Tell the peer that nothing more will come; nothing happens the second time.
    cdef int end(self) except -1

    cdef object get_extra_info(self, str name)
