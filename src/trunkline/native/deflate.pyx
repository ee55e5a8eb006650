# Twin of protocol/deflate.py, on zlib itself. Owns zlib's streams: one spare of each kind for the
# process, and those that a connection keeps. Runs on any thread that holds the GIL, which it never
# lets go of: that is what makes the spare streams safe.
"""permessage-deflate: compressing and inflating messages (RFC 7692 §7.2), compiled."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.limits cimport UINT_MAX
from libc.stdint cimport uint8_t
from libc.stdlib cimport calloc, free

from trunkline.native.messages cimport ALL_GIVEN, MORE_TO_COME, Progress

from sys import maxsize

from trunkline.errors import InvalidPayload
from trunkline.protocol.deflate import (
    COMPRESSION_LEVEL,
    ENDS_INSIDE,
    GOES_ON,
    INFLATE_WINDOW,
    MEMORY_LEVEL,
    NOT_DEFLATE,
    SMALLEST_ZLIB_WINDOW,
    window_error,
)
from trunkline.protocol.extensions import LARGEST_WINDOW
from trunkline.protocol.role import Role

cdef extern from "Python.h":
    int resize_bytes "_PyBytes_Resize" (PyObject** bytes_object, Py_ssize_t size) except -1
    PyObject* new_bytes "PyBytes_FromStringAndSize" (const char* start, Py_ssize_t size) except NULL
    char* start_of "PyBytes_AS_STRING" (PyObject* bytes_object) noexcept
    void forget "Py_CLEAR" (PyObject* owned) noexcept

cdef extern from "zlib.h" nogil:
    enum:
        Z_OK
        Z_STREAM_END
        Z_DATA_ERROR
        Z_BUF_ERROR
        Z_MEM_ERROR
        Z_NO_FLUSH
        Z_SYNC_FLUSH
        Z_DEFLATED
        Z_DEFAULT_STRATEGY

    int deflateInit2(
        z_stream* stream, int level, int method, int window_bits, int memory_level, int strategy
    ) noexcept
    int deflate(z_stream* stream, int flush) noexcept
    int deflateReset(z_stream* stream) noexcept
    int deflateEnd(z_stream* stream) noexcept
    int inflateInit2(z_stream* stream, int window_bits) noexcept
    int inflate(z_stream* stream, int flush) noexcept
    int inflateReset(z_stream* stream) noexcept
    int inflateEnd(z_stream* stream) noexcept

cdef:
    const uint8_t* TAIL = b"\x00\x00\xff\xff"
    size_t TAIL_SIZE = 4
    # Bytes of a piece that inflate() gives
    size_t PIECE_SIZE = 16 * 1024
    # What zlib says of an inflater's place (zlib.h, inflate()): between two blocks, and how many
    # bits of the last byte it has not used
    int BETWEEN_BLOCKS = 128
    int UNUSED_BITS = 63
    int window_limit = LARGEST_WINDOW
    int window_least = SMALLEST_ZLIB_WINDOW
    int inflate_window = INFLATE_WINDOW
    int level = COMPRESSION_LEVEL
    int memory_level = MEMORY_LEVEL


cdef class PerMessageDeflate:
    """Compresses what is sent and inflates what is received on one connection.

    Args:
        role: this side.
        parameters: what the opening handshake agreed on.
    """

    def __cinit__(self, role, parameters):
        sends, receives = parameters.server, parameters.client
        if role is Role.CLIENT:
            sends, receives = receives, sends
        self.window_bits = max(sends.max_window_bits, window_least)
        self.keep_compressor = not sends.no_context_takeover
        self.keep_inflater = not receives.no_context_takeover

    def __dealloc__(self):
        self.give_back_compressor()
        self.give_back_inflater()

    # Sending

    def compress(self, data, *, bint fin):
        """Compress one fragment of a message; `fin` says that it is the last one."""
        cdef Py_buffer source
        PyObject_GetBuffer(data, &source, PyBUF_SIMPLE)
        try:
            return self.compress_part(<const uint8_t*>source.buf, source.len, fin)
        finally:
            PyBuffer_Release(&source)

    @property
    def may_send_plain(self):
        """Whether a compressed message may be thrown away and sent plain instead.

        With context takeover it may not: the compressor has learnt what the peer would not know.
        """
        return not self.keep_compressor

    def forget_sent(self):
        """Take note that what was compressed last is never sent; a new compressor begins."""
        self.give_back_compressor()

    cdef bytes compress_part(self, const uint8_t* data, size_t size, bint fin):
        if self.compressor == NULL:
            self.compressor = take_compressor(self.window_bits)
        try:
            compressed = compress_with(self.compressor, data, size, fin)
        except MemoryError:
            self.forget_sent()
            raise
        if fin and not self.keep_compressor:
            self.give_back_compressor()
        return compressed

    cdef void give_back_compressor(self) noexcept:
        if self.compressor != NULL:
            put_compressor(self.compressor, self.window_bits)
            self.compressor = NULL

    # Receiving

    def inflate(self, bytes data not None, room):
        """Inflate a part of a message.

        Args:
            data: what arrived.
            room: bytes that the message may still grow by; `None` for any.

        Yields:
            At most one byte more than `room`: enough to know that it is too big.

        Raises:
            InvalidPayload: it is not deflate data, or goes on after its last block. What stands
                before the error has been given by then.
        """
        cdef:
            const uint8_t* source = <const uint8_t*>PyBytes_AS_STRING(data)
            size_t size = PyBytes_GET_SIZE(data)
            size_t left = maxsize if room is None else min(room + 1, maxsize)
            size_t given = 0
            Progress progress = MORE_TO_COME
            bytes piece
        while left and progress == MORE_TO_COME:
            piece = PyBytes_FromStringAndSize(NULL, min(left, PIECE_SIZE))
            progress = self.inflate_into(
                &source, &size,
                <uint8_t*>PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece), &given,
            )
            left -= given
            if given:
                yield piece[:given]

    def finish_inflating(self, room):
        """Give the rest of the message, and make ready for the next one."""
        if self.tail() != NULL:
            yield from self.inflate(TAIL[:TAIL_SIZE], room)
        self.end_message()

    cdef Progress inflate_into(
        self, const uint8_t** source, size_t* size, uint8_t* target, size_t room, size_t* given
    ) except? ALL_GIVEN:
        cdef int code
        given[0] = 0
        if self.is_broken:
            raise InvalidPayload(NOT_DEFLATE)
        if self.has_ended:
            self.check_after_last_block(source, size)
            return ALL_GIVEN
        if self.inflater == NULL:
            self.inflater = take_inflater()
        code = inflate_some(self.inflater, source, size, target, room, given)
        if code == Z_MEM_ERROR:
            raise MemoryError
        self.is_broken = code == Z_DATA_ERROR
        self.has_ended = code == Z_STREAM_END
        if size[0] or given[0] == room or self.is_broken:
            return MORE_TO_COME
        return ALL_GIVEN

    cdef int check_after_last_block(self, const uint8_t** source, size_t* size) except -1:
        # RFC 7692 §7.2.3.4: a last block is followed by one byte of padding and nothing else
        if size[0] == 0:
            return 0
        if size[0] > 1 or self.is_padded or source[0][0] != 0:
            raise InvalidPayload(GOES_ON)
        self.is_padded = True
        source[0] += 1
        size[0] = 0
        return 0

    cdef const uint8_t* tail(self) noexcept:
        return NULL if self.has_ended else TAIL

    cdef int end_message(self) except -1:
        cdef int place
        if not self.has_ended:
            # RFC 7692 §7.2.2: with the implied tail, a message ends at the border of a block
            place = self.inflater.data_type
            if not place & BETWEEN_BLOCKS or place & UNUSED_BITS:
                raise InvalidPayload(ENDS_INSIDE)
        if self.has_ended or not self.keep_inflater:
            self.give_back_inflater()
        self.has_ended = self.is_padded = False
        return 0

    cdef void give_back_inflater(self) noexcept:
        if self.inflater != NULL:
            put_inflater(self.inflater)
            self.inflater = NULL


cpdef bytes compress_once(data, int window_bits):
    """Compress a whole message for every connection that sends without context takeover.

    Args:
        data: the message.
        window_bits: of the smallest window among them: `PerMessageDeflate.window_bits`.
    """
    cdef:
        Py_buffer source
        z_stream* compressor
    if not window_least <= window_bits <= window_limit:
        raise ValueError(window_error(window_bits))
    PyObject_GetBuffer(data, &source, PyBUF_SIMPLE)
    try:
        compressor = take_compressor(window_bits)
        try:
            return compress_with(compressor, <const uint8_t*>source.buf, source.len, True)
        finally:
            put_compressor(compressor, window_bits)
    finally:
        PyBuffer_Release(&source)


# zlib's streams

# One of each kind is kept while nobody needs it, and it has seen nothing. A message that is done in
# one go takes it and puts it back; one that is under way for longer has it for itself, and another
# is made for whoever comes in between. Owned by this module, for as long as the process lives.
cdef z_stream* spare_compressors[16]        # by window bits
cdef z_stream* spare_inflater = NULL


cdef z_stream* take_compressor(int window_bits) except NULL:
    cdef z_stream* stream = spare_compressors[window_bits]
    if stream != NULL:
        spare_compressors[window_bits] = NULL
        return stream
    stream = <z_stream*>calloc(1, sizeof(z_stream))
    if stream == NULL:
        raise MemoryError
    if deflateInit2(
        stream, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY
    ) != Z_OK:
        free(stream)
        raise MemoryError
    return stream


cdef void put_compressor(z_stream* stream, int window_bits) noexcept:
    if spare_compressors[window_bits] == NULL and deflateReset(stream) == Z_OK:
        spare_compressors[window_bits] = stream
        return
    deflateEnd(stream)
    free(stream)


cdef z_stream* take_inflater() except NULL:
    global spare_inflater
    cdef z_stream* stream = spare_inflater
    if stream != NULL:
        spare_inflater = NULL
        return stream
    stream = <z_stream*>calloc(1, sizeof(z_stream))
    if stream == NULL:
        raise MemoryError
    if inflateInit2(stream, -inflate_window) != Z_OK:
        free(stream)
        raise MemoryError
    return stream


cdef void put_inflater(z_stream* stream) noexcept:
    global spare_inflater
    if spare_inflater == NULL and inflateReset(stream) == Z_OK:
        spare_inflater = stream
        return
    inflateEnd(stream)
    free(stream)


cdef bytes compress_with(z_stream* stream, const uint8_t* data, size_t size, bint fin):
    """Compress a fragment, and leave the tail away where it is the last one."""
    cdef:
        # More than zlib ever needs, but for what it still holds back; then it grows.
        size_t capacity = size + size // 8 + 64
        size_t written = 0
        PyObject* target = new_bytes(NULL, capacity)
    # zlib does not flush twice, unless it was called for something else in between.
    if size == 0:
        deflate_some(stream, &data, &size, <uint8_t*>start_of(target), capacity, Z_NO_FLUSH)
    try:
        while True:
            written += deflate_some(
                stream, &data, &size,
                <uint8_t*>start_of(target) + written, capacity - written, Z_SYNC_FLUSH,
            )
            if size == 0 and written < capacity:
                break
            if written == capacity:
                capacity += capacity // 2
                resize_bytes(&target, capacity)
        # RFC 7692 §7.2.1: four bytes of the message's end are implied
        resize_bytes(&target, written - TAIL_SIZE if fin else written)
        return <bytes>target
    finally:
        forget(target)


cdef size_t deflate_some(
    z_stream* stream, const uint8_t** data, size_t* size, uint8_t* target, size_t room, int flush
) noexcept:
    """Move on by what zlib takes at once, less than 4 GiB; give how many bytes were written."""
    cdef:
        size_t portion = min(size[0], <size_t>UINT_MAX)
    stream.next_in = data[0]
    stream.avail_in = portion
    stream.next_out = target
    stream.avail_out = min(room, <size_t>UINT_MAX)
    deflate(stream, flush if portion == size[0] else Z_NO_FLUSH)
    size[0] -= stream.next_in - data[0]
    data[0] = stream.next_in
    return stream.next_out - target


cdef int inflate_some(
    z_stream* stream,
    const uint8_t** data, size_t* size, uint8_t* target, size_t room, size_t* given,
) noexcept:
    """Move on by what zlib takes at once, less than 4 GiB; give its return code."""
    cdef int code
    stream.next_in = data[0]
    stream.avail_in = min(size[0], <size_t>UINT_MAX)
    stream.next_out = target
    stream.avail_out = min(room, <size_t>UINT_MAX)
    code = inflate(stream, Z_SYNC_FLUSH)
    size[0] -= stream.next_in - data[0]
    data[0] = stream.next_in
    given[0] = stream.next_out - target
    return code
