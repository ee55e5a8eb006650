# Twin of FrameReader in protocol/frames.py and of protocol/messages.py. Owns what is unfinished.
# Runs on the thread of its endpoint.
"""Frames and messages that did not come in one piece, compiled (RFC 6455 §5.4, §5.6)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from trunkline.native.masking cimport tl_mask

from trunkline.errors import InvalidPayload, PayloadTooBig, ProtocolError, TooManyFragments
from trunkline.protocol.deflate import compressed_bound
from trunkline.protocol.frames import parse_header
from trunkline.protocol.messages import INTERLEAVED, NOT_NEGOTIATED, NOTHING_TO_CONTINUE, RSV1_LATER
from trunkline.protocol.role import Role
from trunkline.protocol.utf8 import ENDS_INSIDE, NOT_UTF8

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    int resize_bytes "_PyBytes_Resize" (PyObject** bytes_object, Py_ssize_t size) except -1
    PyObject* new_bytes "PyBytes_FromStringAndSize" (const char* start, Py_ssize_t size) except NULL
    char* start_of "PyBytes_AS_STRING" (PyObject* bytes_object) noexcept
    void forget "Py_CLEAR" (PyObject* owned) noexcept

cdef enum:
    TEXT = 1

cdef size_t KIB = 1024
# Up to here a declared length is believed: room that is never written to costs nothing.
cdef size_t BELIEVED = 4096 * KIB
# A compressed payload is taken to grow so many times, and to this many bytes at the least.
cdef size_t EXPECTED_GROWTH = 4
cdef size_t EXPECTED_SIZE = 256
cdef size_t TAIL_SIZE = 4
# A payload of which more than this is missing is received in place.
cdef size_t LARGE = 16 * KIB
cdef size_t MOST = PY_SSIZE_T_MAX // 2


cdef class Inflater:
    """What inflates without Python in between; the methods are overridden."""

    cdef Progress inflate_into(
        self, const uint8_t** source, size_t* size, uint8_t* target, size_t room, size_t* given
    ) except? ALL_GIVEN:
        raise NotImplementedError

    cdef const uint8_t* tail(self) noexcept:
        return NULL

    cdef int end_message(self) except -1:
        raise NotImplementedError


cdef class MessageReader:
    """Holds what has come of a frame and of a message until they are complete.

    Args:
        limits: `max_size` and `max_fragments` apply.
        deflate: the negotiated extension, or None.
        is_masked: whether the peer masks.
    """

    def __cinit__(self, limits, deflate, bint is_masked):
        self.limits = limits
        self.deflate = deflate
        self.inflater = deflate if isinstance(deflate, Inflater) else None
        self.is_masked = is_masked
        self.max_size = at_most(limits.max_size, INT64_MAX)

    def __dealloc__(self):
        forget(self.payload)

    cdef bint is_idle(self) noexcept:
        """Whether nothing is unfinished."""
        return not (self.held_size or self.in_payload or self.opcode)

    # Headers and control frames

    cdef tl_header_state hold(self, uint8_t** position, uint8_t* end) noexcept:
        """Take what the header, or control frame, still needs, as far as it is there."""
        cdef:
            tl_header_state header
            size_t needed, size
        while True:
            header = tl_parse_header(&self.frame, self.held, self.held_size, self.is_masked)
            if header == TL_HEADER_WRONG:
                return header
            needed = self.frame.needed
            if header == TL_HEADER_COMPLETE:
                needed = self.frame.size
                if self.frame.first & TL_CONTROL:
                    needed += self.frame.length
                if self.held_size == needed:
                    return header
            size = min(needed - self.held_size, <size_t>(end - position[0]))
            if size == 0:
                return TL_HEADER_INCOMPLETE
            memcpy(self.held + self.held_size, position[0], size)
            self.held_size += size
            position[0] += size

    cdef bytes held_payload(self):
        """Give the payload of the control frame that is held, and let go of it."""
        cdef bytes payload = PyBytes_FromStringAndSize(NULL, self.frame.length)
        tl_mask(
            <uint8_t*>PyBytes_AS_STRING(payload), self.held + self.frame.size, self.frame.length,
            self.frame.key, 0,
        )
        self.held_size = 0
        return payload

    cdef int refuse_header(self) except -1:
        """Raise what is wrong with the header that is held, in the words of the reference."""
        header = PyBytes_FromStringAndSize(<char*>self.held, self.held_size)
        parse_header(header, 0, Role.SERVER if self.is_masked else Role.CLIENT)
        raise AssertionError("a frame header was refused that breaks no rule")

    # Data frames

    cdef int begin_frame(self) except -1:
        """Judge the data frame whose header is in `frame`, and make room for its payload."""
        self.held_size = 0
        if self.frame.first & TL_OPCODE:
            self.begin_message()
        else:
            self.continue_message()
        self.fragments += 1
        if self.fragments > self.limits.max_fragments:
            raise TooManyFragments(self.limits.max_fragments)
        self.check_length()
        # RFC 6455 §5.4: they are allowed, as many as the sender likes
        if not (self.frame.length or self.frame.first & TL_FIN and self.frame.first & TL_OPCODE):
            self.empty += 1
        self.seen = 0
        self.in_payload = self.frame.length > 0
        if not self.is_compressed and self.frame.length:
            self.grow(min(self.frame.length, <uint64_t>BELIEVED))
        return 0

    cdef int begin_message(self) except -1:
        # RFC 6455 §5.4: the fragments of two messages are never interleaved
        if self.opcode:
            raise ProtocolError(INTERLEAVED)
        # RFC 6455 §5.2: a reserved bit needs an extension that defines it
        if self.frame.first & TL_RSV1 and self.deflate is None:
            raise ProtocolError(NOT_NEGOTIATED)
        self.opcode = self.frame.first & TL_OPCODE
        self.is_compressed = (self.frame.first & TL_RSV1) != 0
        return 0

    cdef int continue_message(self) except -1:
        # RFC 6455 §5.4: a continuation needs a message to continue
        if not self.opcode:
            raise ProtocolError(NOTHING_TO_CONTINUE)
        # RFC 7692 §6.1: the bit stands on the first frame of a message
        if self.frame.first & TL_RSV1:
            raise ProtocolError(RSV1_LATER)
        return 0

    cdef int check_length(self) except -1:
        """Compare the declared length before a byte of it is taken in."""
        # A frame is over before the next begins, so that this cannot overflow: 2^63 bytes came.
        self.wire_size += self.frame.length
        if self.wire_size <= <uint64_t>self.max_size and not self.is_compressed:
            return 0
        limit = self.limits.max_size
        if limit is None:
            return 0
        if not self.is_compressed:
            if self.wire_size > limit:
                raise PayloadTooBig(self.wire_size, limit)
        elif self.wire_size > compressed_bound(limit, self.fragments):
            raise PayloadTooBig(None, limit)
        return 0

    # Payloads

    cdef int take(self, const uint8_t* payload, size_t size) except -1:
        """Take the next part of the frame's payload, still masked."""
        cdef:
            bytes compressed
            uint8_t* target
            uint64_t offset = self.seen
        if self.is_compressed:
            compressed = PyBytes_FromStringAndSize(NULL, size)
            tl_mask(
                <uint8_t*>PyBytes_AS_STRING(compressed), payload, size, self.frame.key, offset & 3
            )
            self.note(size)
            return self.inflate(compressed)
        self.grow(size)
        target = self.free_space()
        tl_mask(target, payload, size, self.frame.key, offset & 3)
        self.size += size
        self.note(size)
        return self.check_text(target, size)

    cdef size_t room_in_place(self, uint8_t** where) noexcept:
        """Give how many bytes of a large payload can be received at `*where`."""
        cdef uint64_t missing = self.frame.length - self.seen
        if not self.in_payload or self.is_compressed or missing <= LARGE:
            return 0
        where[0] = self.free_space()
        return min(missing, <uint64_t>(self.capacity - self.size))

    cdef int take_in_place(self, size_t size) except -1:
        """Take `size` bytes of the payload, still masked, that lie where they belong already."""
        cdef:
            uint8_t* target = self.free_space()
            uint64_t offset = self.seen
        tl_mask(target, target, size, self.frame.key, offset & 3)
        self.size += size
        self.note(size)
        self.check_text(target, size)
        if self.frame.length - self.seen > LARGE:
            self.grow(LARGE)
        return 0

    cdef int note(self, size_t size) noexcept:
        """Count bytes of the payload."""
        self.seen += size
        self.in_payload = self.seen < self.frame.length
        return 0

    cdef int inflate(self, bytes payload) except -1:
        """Take in what a part of a compressed payload holds."""
        if self.inflater is not None:
            return self.inflate_in_place(
                <const uint8_t*>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)
            )
        for piece in self.deflate.inflate(payload, self.room()):
            self.append(piece)
        return 0

    cdef int inflate_in_place(self, const uint8_t* source, size_t size) except -1:
        """Inflate to where the message is gathered, as far as the limit lets it."""
        cdef:
            Progress progress = MORE_TO_COME
            uint8_t* target
            uint8_t beyond
            size_t room
            size_t given
        while progress == MORE_TO_COME:
            if self.size == <uint64_t>self.max_size:
                progress = self.inflater.inflate_into(&source, &size, &beyond, 1, &given)
                if given:
                    raise PayloadTooBig(None, self.size)
                continue
            room = self.inflating_room(size)
            target = self.free_space()
            progress = self.inflater.inflate_into(&source, &size, target, room, &given)
            self.size += given
            self.check_text(target, given)
        return 0

    cdef size_t inflating_room(self, size_t expected) except 0:
        """Give how many bytes fit behind what has come, and see to it that some do."""
        cdef uint64_t allowed = <uint64_t>self.max_size - self.size
        if self.size == self.capacity:
            expected = max(EXPECTED_GROWTH * min(expected, BELIEVED), EXPECTED_SIZE)
            self.grow(min(allowed, <uint64_t>expected))
        return min(allowed, <uint64_t>(self.capacity - self.size))

    cdef int finish_inflating(self) except -1:
        """Take in the rest of a compressed message."""
        if self.inflater is None:
            for piece in self.deflate.finish_inflating(self.room()):
                self.append(piece)
            return 0
        if self.inflater.tail() != NULL:
            self.inflate_in_place(self.inflater.tail(), TAIL_SIZE)
        return self.inflater.end_message()

    cdef int append(self, bytes piece) except -1:
        """Take in a piece of the message, as far as the limit lets it."""
        cdef:
            size_t size = PyBytes_GET_SIZE(piece)
            size_t fitting = min(<uint64_t>size, <uint64_t>self.max_size - self.size)
            uint8_t* target
        if fitting:
            self.grow(fitting)
            target = self.free_space()
            memcpy(target, PyBytes_AS_STRING(piece), fitting)
            self.size += fitting
            self.check_text(target, fitting)
        if fitting < size:
            raise PayloadTooBig(None, self.size)
        return 0

    cdef object room(self):
        """Give how many bytes the message may still grow by, or None."""
        limit = self.limits.max_size
        return None if limit is None else limit - self.size

    cdef int grow(self, size_t extra) except -1:
        """Make room for so many bytes more; grow by half at least, so that a byte costs little."""
        cdef size_t capacity
        if extra <= self.capacity - self.size:
            return 0
        if extra > MOST - self.size:
            raise MemoryError
        capacity = self.size + extra
        if self.payload == NULL:
            self.payload = new_bytes(NULL, capacity)
            self.capacity = capacity
            return 0
        return self.resize(max(capacity, min(self.capacity + self.capacity // 2, MOST)))

    cdef int resize(self, size_t capacity) except -1:
        """Make the buffer larger or smaller."""
        cdef size_t size = self.size
        self.size = self.capacity = 0  # where it fails, the buffer is gone
        resize_bytes(&self.payload, capacity)
        self.size = size
        self.capacity = capacity
        return 0

    cdef uint8_t* free_space(self) noexcept:
        """Give the place behind what has come."""
        return <uint8_t*>start_of(self.payload) + self.size

    cdef int check_text(self, const uint8_t* part, size_t size) except -1:
        """Refuse text at the first byte that cannot be right."""
        if self.opcode == TEXT and not tl_utf8_feed(&self.text, part, size):
            raise InvalidPayload(NOT_UTF8)
        return 0

    # The end of a message

    cdef object finish(self):
        """Give the message, str or bytes, and be ready for the next one."""
        if self.is_compressed:
            self.finish_inflating()
        if self.opcode == TEXT and self.text.missing:
            raise InvalidPayload(ENDS_INSIDE)
        is_text = self.opcode == TEXT
        self.opcode = 0
        self.fragments = self.wire_size = 0
        if self.payload == NULL:
            return "" if is_text else b""
        return self.finished_text() if is_text else self.finished_bytes()

    cdef str finished_text(self):
        """Decode the buffer, and let go of it."""
        text = PyUnicode_DecodeUTF8(start_of(self.payload), self.size, NULL)
        self.size = self.capacity = 0
        forget(self.payload)
        return text

    cdef bytes finished_bytes(self):
        """Give the buffer away."""
        self.resize(self.size)
        data = <bytes>self.payload
        self.size = self.capacity = 0
        forget(self.payload)
        return data


cdef int64_t at_most(limit, int64_t most) except -1:
    """Give `limit` as a number of C: `most` where it is None or larger."""
    return most if limit is None or limit > most else limit
