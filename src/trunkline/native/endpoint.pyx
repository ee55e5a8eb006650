# Twin of protocol/endpoint.py. Owns what is unfinished, in `reader`, while anything is.
# Runs on one thread at a time, that of its connection's event loop.
"""One side of a conversation after the opening handshake, compiled: bytes in, events out, and back.

The lane calls `pull()` and its like, which give events without making objects of them; the methods
of Python have the contract of `protocol.endpoint.Endpoint`.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_Clear, PyErr_ExceptionMatches
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from trunkline.native.closing cimport (
    END,
    FAIL,
    IMPOSSIBLE,
    IS_OPEN,
    RECEIVE_CLOSE,
    RECEIVE_FRAMES,
    SEND_CLOSE,
    SEND_FRAME,
    after,
    read_close,
)
from trunkline.native.masking cimport take_mask_key, tl_mask
from trunkline.native.messages cimport (
    TL_CONTROL,
    TL_FIN,
    TL_HEADER_COMPLETE,
    TL_HEADER_INCOMPLETE,
    TL_HEADER_WRONG,
    TL_OPCODE,
    TL_RSV1,
    TL_WHOLE_BINARY,
    TL_WHOLE_TEXT,
    MessageReader,
    tl_encode_header,
    tl_frame,
    tl_header_size,
    tl_header_state,
    tl_parse_header,
)
from trunkline.native.terms cimport Terms, terms_of

from trunkline.errors import PeerError
from trunkline.limits import DEFAULT_LIMITS
from trunkline.protocol.closing import State, Step, advance, encode_close
from trunkline.protocol.endpoint import (
    IN_FRAGMENTS,
    NO_KEYS,
    NOTHING_TO_CONTINUE,
    ONE_EXTENSION,
    check_control,
)
from trunkline.protocol.events import Binary, Failed, Ping, Pong, Text

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    # Without the exception that Cython would raise: text that is none is an event.
    PyObject* decode_utf8 "PyUnicode_DecodeUTF8" (
        const char* text, Py_ssize_t size, const char* errors
    ) noexcept

cdef enum Opcode:
    OPCODE_CONTINUATION = 0x0
    OPCODE_TEXT = 0x1
    OPCODE_BINARY = 0x2
    OPCODE_CLOSE = 0x8
    OPCODE_PING = 0x9
    OPCODE_PONG = 0xA

# Of the fragment that was sent last.
cdef enum Fragment:
    NO_FRAGMENT         # no message is being sent in fragments
    PLAIN_FRAGMENT
    COMPRESSED_FRAGMENT

cdef enum:
    KEY_BYTES = 4
    SCRATCH = 65_536      # bytes of what receive_bytes() takes that are copied at a time


STATES = tuple(State)
STEPS = tuple(Step)


cdef Endpoint new_endpoint(Terms terms, bint masks, object deflate):
    cdef Endpoint endpoint = Endpoint.__new__(Endpoint)
    endpoint.terms, endpoint.masks, endpoint.deflate = terms, masks, deflate
    endpoint.set_state(IS_OPEN)
    return endpoint


@cython.no_gc
cdef class Endpoint:
    """The state of one side of a WebSocket connection (RFC 6455 §5–§7).

    Args:
        role: which side this is.
        limits: `max_size`, `max_fragments` and `min_compress` apply.
        extensions: what was negotiated: nothing, or one `PerMessageDeflate`.
        new_mask_key: gives four fresh unpredictable bytes; needed by the client (§5.3). It must
            not lead back to the endpoint: the collector does not see it.
    """

    def __init__(self, role, limits=DEFAULT_LIMITS, extensions=(), new_mask_key=None):
        if role.masks and new_mask_key is None:
            raise ValueError(NO_KEYS)
        if len(extensions) > 1:
            raise ValueError(ONE_EXTENSION)
        self.masks = role.masks
        self.terms = terms_of(limits, new_mask_key if self.masks else None)
        self.deflate = extensions[0] if extensions else None
        self.set_state(IS_OPEN)

    @property
    def state(self):
        """How far the conversation has come."""
        return STATES[self.step]

    # Receiving, for the lane

    cdef Kind pull(self, uint8_t** position, uint8_t* end) except? NOTHING:
        cdef Kind kind
        while self.receives and position[0] < end:
            if self.reader is None:
                kind = pull_whole(self, position, end)
                if kind != NOTHING:
                    return kind
            kind = self.pull_part(position, end)
            if kind != NOTHING:
                return kind
        position[0] = end
        self.data = None
        return NOTHING

    cdef int decode(self, const uint8_t* text, size_t size) except -1:
        """Make `data` of UTF-8; give 0 where it is none."""
        cdef PyObject* decoded = decode_utf8(<const char*>text, size, NULL)  # owned
        if decoded == NULL:
            if not PyErr_ExceptionMatches(UnicodeDecodeError):
                return -1  # MemoryError is set
            PyErr_Clear()
            return 0
        self.data = <object>decoded
        Py_DECREF(self.data)
        return 1

    cdef Kind pull_part(self, uint8_t** position, uint8_t* end) except? NOTHING:
        """Take in what does not come whole, or breaks a rule."""
        cdef:
            MessageReader reader = self.reader
            Kind kind
        if reader is None:
            reader = self.reader = MessageReader(self.terms.limits, self.deflate, not self.masks)
        try:
            kind = self.go_on(reader, position, end)
        except PeerError as error:
            return self.fail(error)
        if reader.is_idle() and self.reader is reader:
            self.let_reader_go()
        return kind

    cdef Kind go_on(self, MessageReader reader, uint8_t** position, uint8_t* end) except? NOTHING:
        """Take the next bytes of a frame; raise `PeerError` at a broken rule."""
        cdef:
            tl_header_state header
            uint8_t* payload
            size_t size
        if not reader.in_payload:
            header = reader.hold(position, end)
            if header == TL_HEADER_INCOMPLETE:
                return NOTHING
            if header == TL_HEADER_WRONG:
                reader.refuse_header()
            if reader.frame.first & TL_CONTROL:
                return self.receive_control(
                    reader.frame.first & TL_OPCODE, reader.held_payload()
                )
            reader.begin_frame()
            if reader.in_payload:
                return NOTHING
            return self.payload_taken(reader)
        payload = position[0]
        size = min(reader.frame.length - reader.seen, <uint64_t>(end - payload))
        position[0] += size
        reader.take(payload, size)
        return self.payload_taken(reader)

    cdef Kind payload_taken(self, MessageReader reader) except? NOTHING:
        """Give the message if this was the end of it."""
        cdef bint is_text = reader.opcode == OPCODE_TEXT
        if reader.in_payload or not reader.frame.first & TL_FIN:
            return NOTHING
        self.data = reader.finish()
        return TEXT if is_text else BINARY

    cdef Kind receive_control(self, int opcode, bytes payload) except? NOTHING:
        if opcode != OPCODE_CLOSE:
            self.data = payload
            return PING if opcode == OPCODE_PING else PONG
        try:
            close = read_close(payload)
        except PeerError as error:
            return self.fail(error)
        self.reader = None
        self.change_state(RECEIVE_CLOSE)
        self.data = close
        return CLOSE

    cdef Kind fail(self, object error) except? NOTHING:
        """Read no more, because of `error`."""
        self.reader = None
        if not self.receives:  # something else ended it meanwhile
            return NOTHING
        self.change_state(FAIL)
        self.data = error
        return FAILED

    cdef Kind received(self, size_t size) except? NOTHING:
        cdef:
            MessageReader reader = self.reader
            Kind kind
        if reader is None or not self.receives:
            return NOTHING
        try:
            reader.take_in_place(size)
            kind = self.payload_taken(reader)
        except PeerError as error:
            return self.fail(error)
        if kind != NOTHING:
            self.let_reader_go()
        return kind

    def take_empty_fragments(self):
        """Give how many fragments without payload came since this was asked last."""
        return self.take_empty()

    # Receiving

    def receive_bytes(self, data):
        """Take what arrived, and give what it means.

        Bytes behind a close frame or an error are dropped (§1.4, §7.1.7).
        """
        cdef:
            Py_buffer arrived
            list events = []
        PyObject_GetBuffer(data, &arrived, PyBUF_SIMPLE)
        try:
            self.receive_into(events, <const uint8_t*>arrived.buf, arrived.len)
        finally:
            PyBuffer_Release(&arrived)
        return events

    def receive_end(self):
        """Take note that the stream has ended: nothing can be sent or received any more."""
        self.end()

    cdef int end(self) except -1:
        self.reader = None
        return self.change_state(END)

    cdef int receive_into(self, list events, const uint8_t* data, size_t size) except -1:
        """Append the events of what arrived, the way the lane receives."""
        cdef:
            uint8_t* scratch
            uint8_t* position
            size_t part
            Kind kind
        if not (size and self.receives):
            return 0
        scratch = <uint8_t*>PyMem_Malloc(min(size, <size_t>SCRATCH))
        if scratch == NULL:
            raise MemoryError
        try:
            while size and self.receives:
                part = min(self.wanted(&position), size)
                if part:
                    memcpy(position, data, part)
                    kind = self.received(part)
                    if kind != NOTHING:
                        events.append(self.event(kind))
                else:
                    part = min(size, <size_t>SCRATCH)
                    memcpy(scratch, data, part)
                    position = scratch
                    while (kind := self.pull(&position, scratch + part)) != NOTHING:
                        events.append(self.event(kind))
                data += part
                size -= part
        finally:
            PyMem_Free(scratch)
        return 0

    cdef object event(self, Kind kind):
        """Make an object of the event that pull() or received() has given."""
        data, self.data = self.data, None
        if kind == TEXT:
            return Text(data)
        if kind == BINARY:
            return Binary(data)
        if kind == PING:
            return Ping(data)
        if kind == PONG:
            return Pong(data)
        return data if kind == CLOSE else Failed(data)

    cdef int change_state(self, int step) except -1:
        cdef int stage = after(self.step, step)
        if stage == IMPOSSIBLE:
            advance(self.state, STEPS[step])  # raises
        self.set_state(stage)
        return 0

    cdef void set_state(self, int stage) noexcept:
        self.step = stage
        self.is_open = stage == IS_OPEN
        self.receives = after(stage, RECEIVE_FRAMES) != IMPOSSIBLE
        self.sends = after(stage, SEND_FRAME) != IMPOSSIBLE

    # Sending, for the lane

    cdef int write_frame(
        self, uint8_t* target, int first, const uint8_t* payload, size_t length
    ) except -1:
        cdef uint8_t key[KEY_BYTES]
        if not self.masks:
            target += tl_encode_header(target, first, length, NULL)
            memcpy(target, payload, length)
            return 0
        self.take_key(key)
        target += tl_encode_header(target, first, length, key)
        tl_mask(target, payload, length, key, 0)
        return 0

    cdef int take_key(self, uint8_t* key) except -1:
        cdef bytes given
        if self.terms.uses_pool:
            return take_mask_key(key)
        given = self.terms.new_mask_key()
        if given is None or PyBytes_GET_SIZE(given) != KEY_BYTES:
            raise ValueError(f"a mask key is {KEY_BYTES} bytes, not {given!r}")
        memcpy(key, PyBytes_AS_STRING(given), KEY_BYTES)
        return 0

    # Sending

    def send_text(self, str text not None, *, bint fin=True, bint compress=True):
        """Encode a text message, or with `fin=False` its first fragment.

        Raises:
            ValueError: a message is being sent in fragments, or the text has a lone surrogate.
            InvalidState: nothing can be sent any more; this holds for every `send_` method.
        """
        return self.first_frame(OPCODE_TEXT, text.encode(), fin, compress)

    def send_binary(self, data, *, bint fin=True, bint compress=True):
        """Encode a binary message, or with `fin=False` its first fragment."""
        return self.first_frame(OPCODE_BINARY, data, fin, compress)

    def send_continuation(self, data, *, bint fin):
        """Encode the next fragment of a message, the last one with `fin=True`."""
        if self.sent_fragment == NO_FRAGMENT:
            raise ValueError(NOTHING_TO_CONTINUE)
        if self.sent_fragment == COMPRESSED_FRAGMENT:
            data = self.deflate.compress(data, fin=fin)
        frame = self.data_frame(TL_FIN if fin else 0, data)
        if fin:
            self.sent_fragment = NO_FRAGMENT
        return frame

    def send_ping(self, payload=b""):
        """Encode a ping; its payload has at most 125 bytes."""
        return self.frame(TL_FIN | OPCODE_PING, check_control(payload))

    def send_pong(self, payload=b""):
        """Encode a pong; its payload has at most 125 bytes."""
        return self.frame(TL_FIN | OPCODE_PONG, check_control(payload))

    def send_close(self, code=None, str reason not None=""):
        """Encode a close frame, the last frame there is.

        Raises:
            ValueError: code or reason must not be sent (§7.4).
        """
        body = encode_close(code, reason)
        advance(self.state, Step.SEND_CLOSE)
        frame = self.frame(TL_FIN | OPCODE_CLOSE, body)
        self.change_state(SEND_CLOSE)
        return frame

    cdef bytes first_frame(self, int opcode, object data, bint fin, bint compress):
        cdef int first = opcode | (TL_FIN if fin else 0)
        # RFC 6455 §5.4: the fragments of two messages are never interleaved
        if self.sent_fragment != NO_FRAGMENT:
            raise ValueError(IN_FRAGMENTS)
        if compress and self.deflate is not None:
            compressed = self.compressed(data, fin)
            if compressed is not None:
                data = compressed
                first |= TL_RSV1
        frame = self.data_frame(first, data)
        if not fin:
            self.sent_fragment = COMPRESSED_FRAGMENT if first & TL_RSV1 else PLAIN_FRAGMENT
        return frame

    cdef object compressed(self, object data, bint fin):
        """Compress where that pays; None where it does not."""
        if fin and len(data) < self.terms.limits.min_compress:
            return None
        compressed = self.deflate.compress(data, fin=fin)
        if fin and self.deflate.may_send_plain and len(compressed) >= len(data):
            return None
        return compressed

    cdef bytes data_frame(self, int first, object payload):
        """Encode a frame; where that fails, nothing may refer to what it would have said."""
        try:
            return self.frame(first, payload)
        except BaseException:
            if self.deflate is not None:
                self.deflate.forget_sent()
            raise

    cdef bytes frame(self, int first, object payload):
        """Encode a frame; raise `InvalidState` where none may be sent."""
        cdef:
            Py_buffer source
            size_t size
            bytes frame
        if not self.sends:
            advance(self.state, Step.SEND_FRAME)
        PyObject_GetBuffer(payload, &source, PyBUF_SIMPLE)
        try:
            size = tl_header_size(source.len, self.masks)
            if size > <size_t>PY_SSIZE_T_MAX - <size_t>source.len:
                raise MemoryError
            frame = PyBytes_FromStringAndSize(NULL, size + source.len)
            self.write_frame(
                <uint8_t*>PyBytes_AS_STRING(frame), first, <const uint8_t*>source.buf, source.len
            )
        finally:
            PyBuffer_Release(&source)
        return frame


# A function, not a method, because Cython makes only those inline.
cdef inline Kind pull_whole(Endpoint endpoint, uint8_t** position, uint8_t* end) except? NOTHING:
    """Give the event of the frame at `*position` if it is all there, and a plain one."""
    cdef:
        uint8_t* payload
        tl_frame frame
        bytes data
    if tl_parse_header(
        &frame, position[0], end - position[0], not endpoint.masks
    ) != TL_HEADER_COMPLETE:
        return NOTHING
    payload = position[0] + frame.size
    if frame.length > <uint64_t>(end - payload):
        return NOTHING
    if frame.first == TL_WHOLE_TEXT:
        if <int64_t>frame.length > endpoint.terms.largest:
            return NOTHING
        tl_mask(payload, payload, frame.length, frame.key, 0)
        if not endpoint.decode(payload, frame.length):
            # Masked again it takes the way of parts, which finds out what is wrong.
            tl_mask(payload, payload, frame.length, frame.key, 0)
            return NOTHING
        position[0] = payload + frame.length
        return TEXT
    if frame.first != TL_WHOLE_BINARY and not frame.first & TL_CONTROL:
        return NOTHING
    if frame.first == TL_WHOLE_BINARY and <int64_t>frame.length > endpoint.terms.largest:
        return NOTHING
    data = PyBytes_FromStringAndSize(NULL, frame.length)
    tl_mask(<uint8_t*>PyBytes_AS_STRING(data), payload, frame.length, frame.key, 0)
    position[0] = payload + frame.length
    if frame.first == TL_WHOLE_BINARY:
        endpoint.data = data
        return BINARY
    return endpoint.receive_control(frame.first & TL_OPCODE, data)
