from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t


cdef extern from "head.h":
    enum:
        TL_HOST
        TL_ORIGIN
        TL_PROTOCOL
        TL_EXTENSIONS
        TL_KEY
    ctypedef struct tl_span:
        uint32_t start
        uint32_t size
    ctypedef struct tl_field:
        tl_span name
        tl_span value
    ctypedef struct tl_head_limits:
        uint32_t max_head
        uint32_t max_line
        uint32_t max_fields
    ctypedef struct tl_head:
        uint32_t size
        uint32_t count
        tl_span target
        const tl_field** known
        tl_field* fields
    bint tl_read_head(
        tl_head* head, const uint8_t* data, size_t size, const tl_head_limits* limits
    ) noexcept


cdef extern from "accept.h":
    enum:
        TL_ACCEPT_CHARACTERS
    void tl_accept_key(uint8_t* accept, const uint8_t* key) noexcept


cdef class Greeting:
    """How a request is answered, and what the connection will want to know."""
    cdef readonly bytes answer  # the response, to be sent
    cdef readonly bytes head  # the request, without its empty line
    cdef readonly bytes rest  # what lies behind it
    cdef readonly object agreement
    cdef readonly bytes pattern  # both heads, folded as connection/heads.py does
    cdef readonly bytes own_values


cdef class Terms:
    """The answer to all who ask the same, but for what follows from their key and from the time."""
    cdef object agreement
    cdef bytes before  # what stands before Sec-WebSocket-Accept
    cdef bytes between  # and Date
    cdef bytes after
    cdef bytes pattern  # of the answer


cdef class Reception:
    cdef tl_head_limits limits
    cdef object http_date  # gives the value of Date
    cdef object shared_names  # of fields that stand in a pattern with their values
    cdef object share  # gives one object for equal patterns
    cdef dict known  # terms, by what decides over them

    cdef Greeting accept(self, bytes data, const tl_head* head, Terms terms)
    cdef tuple fold(self, bytes data, const tl_head* head, Terms terms, bytes date)
