# What is unfinished on a connection; it exists only then.
cimport cython
from libc.stdint cimport int64_t, uint8_t, uint64_t

from cpython.object cimport PyObject


cdef extern from "frame.h" nogil:
    enum:
        TL_FIN
        TL_RSV1
        TL_OPCODE
        TL_CONTROL
        TL_WHOLE_TEXT
        TL_WHOLE_BINARY
        TL_MAX_HEADER
        TL_MAX_CONTROL

    ctypedef enum tl_header_state:
        TL_HEADER_COMPLETE
        TL_HEADER_INCOMPLETE
        TL_HEADER_WRONG

    ctypedef struct tl_frame:
        uint8_t first
        uint8_t key[4]
        uint8_t needed
        uint8_t size
        uint64_t length

    tl_header_state tl_parse_header(
        tl_frame* frame, const uint8_t* data, size_t size, bint is_masked
    ) noexcept
    size_t tl_header_size(uint64_t length, bint is_masked) noexcept
    size_t tl_encode_header(
        uint8_t* target, uint8_t first, uint64_t length, const uint8_t* key
    ) noexcept


cdef extern from "utf8.h" nogil:
    ctypedef struct tl_utf8:
        uint8_t missing
        uint8_t low
        uint8_t high

    bint tl_utf8_feed(tl_utf8* text, const uint8_t* part, size_t size) noexcept


# What inflate_into() has come to.
cdef enum Progress:
    ALL_GIVEN       # nothing is left of the source, and nothing that it holds
    MORE_TO_COME    # the room is used up, or an error follows what was given; call again


# What inflates straight into the buffer of a message, with no Python in between. deflate.pyx has
# it, which is not built everywhere; what has it not is asked by its Python methods.
cdef class Inflater:
    # Inflate from *source, *size bytes, to `target`, which has `room` bytes (at least 1): move
    # *source and *size on, and say in *given how many bytes were written.
    # Raises InvalidPayload once everything before the error has been given.
    cdef Progress inflate_into(
        self, const uint8_t** source, size_t* size, uint8_t* target, size_t room, size_t* given
    ) except? ALL_GIVEN
    # Give what has to be inflated yet before a message ends: four bytes, or NULL for none.
    cdef const uint8_t* tail(self) noexcept
    # Check that the message may end here, and make ready for the next one.
    cdef int end_message(self) except -1


@cython.final
cdef class MessageReader:
    cdef object limits
    cdef object deflate         # PerMessageDeflate or None
    cdef Inflater inflater      # the same, where it has these methods
    cdef bint is_masked         # whether the peer masks

    # The header or control frame that is held back until it is complete
    cdef uint8_t held[TL_MAX_CONTROL]
    cdef uint8_t held_size

    # The frame whose header came last
    cdef tl_frame frame
    cdef uint64_t seen          # bytes of its payload so far
    cdef bint in_payload        # some are missing

    # The message under way
    cdef int opcode             # 0 when there is none
    cdef bint is_compressed
    cdef uint64_t fragments
    cdef size_t empty           # fragments that brought nothing, until they are asked for
    cdef uint64_t wire_size     # bytes of its frames' payloads, as declared
    cdef tl_utf8 text
    cdef int64_t max_size       # bytes; the largest number stands for none, and for any above
    cdef PyObject* payload      # owned: a bytes object that is being filled, or NULL
    cdef size_t size            # bytes in it
    cdef size_t capacity        # bytes it has room for

    cdef bint is_idle(self) noexcept
    cdef tl_header_state hold(self, uint8_t** position, uint8_t* end) noexcept
    cdef bytes held_payload(self)
    cdef int refuse_header(self) except -1
    cdef int begin_frame(self) except -1
    cdef int begin_message(self) except -1
    cdef int continue_message(self) except -1
    cdef int check_length(self) except -1
    cdef int take(self, const uint8_t* payload, size_t size) except -1
    cdef size_t room_in_place(self, uint8_t** where) noexcept
    cdef int take_in_place(self, size_t size) except -1
    cdef int note(self, size_t size) noexcept
    cdef int inflate(self, bytes payload) except -1
    cdef int inflate_in_place(self, const uint8_t* source, size_t size) except -1
    cdef size_t inflating_room(self, size_t expected) except 0
    cdef int finish_inflating(self) except -1
    cdef int append(self, bytes piece) except -1
    cdef int grow(self, size_t extra) except -1
    cdef int resize(self, size_t capacity) except -1
    cdef uint8_t* free_space(self) noexcept
    cdef int check_text(self, const uint8_t* part, size_t size) except -1
    cdef object room(self)
    cdef object finish(self)
    cdef str finished_text(self)
    cdef bytes finished_bytes(self)


cdef int64_t at_most(limit, int64_t most) except -1
