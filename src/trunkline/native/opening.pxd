from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.footing cimport Footing


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


cdef enum:
    EMPTY_LINE = 4  # bytes at the end of a head


cdef extern from "accept.h":
    enum:
        TL_KEY_CHARACTERS
        TL_ACCEPT_CHARACTERS
        TL_NONCE_BYTES
    void tl_accept_key(uint8_t* accept, const uint8_t* key) noexcept
    bint tl_read_key(uint8_t* nonce, const uint8_t* key) noexcept


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
    cdef Footing footing  # of the connections, once there was one


cdef class Form:
    """A request, but for its key, and what others like it are answered."""
    cdef bytes head  # with its empty line
    cdef tl_span target
    cdef bytes fields  # of tl_field, into `head`
    cdef bytes is_shared  # for each field: whether its value stands in the pattern
    cdef uint32_t key_at
    cdef Terms terms
    cdef bytes pattern  # both heads, folded as connection/heads.py does
    cdef bytes texts  # their own values behind key and date

    # Whether a request says the same but for its key; or but for values that are its own
    cdef bint fits(self, const uint8_t* data, size_t size) noexcept
    cdef bint resembles(self, const uint8_t* data, const tl_head* head) noexcept
    cdef bint is_own(self, Py_ssize_t index) noexcept
    cdef bytes own_texts(self)


cdef class Reception:
    cdef tl_head_limits limits
    cdef object date_of  # gives the value of Date for a second
    cdef object shared_names  # of fields that stand in a pattern with their values
    cdef object share  # gives one object for equal patterns
    cdef dict known  # terms, by what decides over them
    cdef Form latest  # most requests say what the one before has said
    cdef bytes date
    cdef uint32_t second  # that `date` names

    # The form of the request that begins at `data`; None: the reference has to answer.
    cdef Form recognize(self, const uint8_t* data, size_t size)
    # How long the answer is now; the next call writes as much.
    cdef size_t measure_answer(self, Form form) except 0
    cdef void write_answer(self, uint8_t* target, Form form, const uint8_t* key) noexcept
    # What the connection of this key keeps of both heads, besides the pattern.
    cdef bytes own_values(self, Form form, const uint8_t* key)

    cdef Form form_of(self, const uint8_t* data, const tl_head* head)
    cdef int fold(self, Form form) except -1
