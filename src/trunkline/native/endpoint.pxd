# What the lane knows of an endpoint: its fields, and how bytes become events without Python.
cimport cython
from libc.stdint cimport uint8_t

from trunkline.native.flag cimport flag
from trunkline.native.messages cimport MessageReader
from trunkline.native.terms cimport Terms


# What pull() gives. `data` then holds: str, bytes, bytes, bytes, Close, PeerError.
cdef enum Kind:
    NOTHING
    TEXT
    BINARY
    PING
    PONG
    CLOSE
    FAILED


@cython.final
@cython.no_gc
cdef class Endpoint:
    # Of the event that pull() or received() gave. Take it and set it to None: what lies here stays
    # alive. It is None whenever pull() gives NOTHING.
    cdef object data

    # What holds for the whole connection
    cdef Terms terms                # shared by all endpoints that have the same
    cdef object deflate             # PerMessageDeflate or None

    # How far the conversation has come
    cdef MessageReader reader       # None while no frame and no message is unfinished

    # Truth values, and two numbers, in a byte each
    cdef readonly flag is_open      # state is OPEN: messages may be sent and are delivered
    cdef uint8_t masks              # this side is the client
    cdef uint8_t receives           # what arrives is read (OPEN, CLOSE_SENT)
    cdef uint8_t sends              # frames may be sent (OPEN, CLOSE_RECEIVED, FAILED)
    cdef uint8_t sent_fragment      # see Fragment in endpoint.pyx
    cdef uint8_t step               # place of `state` in STATES

    # Receiving, for the lane. Between two calls anything may happen to the endpoint.

    # Parse on from *position in a writable buffer, in which payloads may be unmasked in place;
    # move *position behind what was consumed and give the next event. NOTHING: all is consumed.
    # Raises MemoryError at most; the connection cannot go on then.
    cdef Kind pull(self, uint8_t** position, uint8_t* end) except? NOTHING
    # Give how many bytes of a large payload may be received straight into *where; mostly 0.
    # *where is owned by the endpoint and valid until its next method is called.
    cdef inline size_t wanted(self, uint8_t** where) noexcept:
        if self.reader is None or not self.receives:
            return 0
        return self.reader.room_in_place(where)

    # Take note of `size` bytes, still masked, that were received at wanted()'s *where. `size` is at
    # most what wanted() gave, and no other method was called in between.
    cdef Kind received(self, size_t size) except? NOTHING

    # Give how many fragments without payload came since this was asked last, where the limits have
    # a rate for them.
    cdef inline size_t take_empty(self) except? 0:
        cdef size_t count
        if self.reader is None or not self.terms.counts_empty:
            return 0
        count, self.reader.empty = self.reader.empty, 0
        if self.reader.is_idle():
            self.reader = None
        return count

    # Do without a reader that is idle, and has nothing to tell.
    cdef inline int let_reader_go(self) except -1:
        if not (self.reader.empty and self.terms.counts_empty):
            self.reader = None
        return 0

    # Sending, for the lane

    # Whether a message of `length` bytes can go out now as one frame that is not compressed.
    cdef inline bint sends_plain(self, size_t length) noexcept:
        if not self.sends or self.sent_fragment:
            return False
        return self.deflate is None or length < self.terms.min_compress

    # Draw the key of the next frame. Raises what the source of mask keys raises; the pool runs no
    # Python.
    cdef int take_key(self, uint8_t* key) except -1

    # Inside
    cdef int decode(self, const uint8_t* text, size_t size) except -1
    cdef Kind pull_part(self, uint8_t** position, uint8_t* end) except? NOTHING
    cdef Kind go_on(self, MessageReader reader, uint8_t** position, uint8_t* end) except? NOTHING
    cdef Kind payload_taken(self, MessageReader reader) except? NOTHING
    cdef Kind receive_control(self, int opcode, bytes payload) except? NOTHING
    cdef Kind fail(self, object error) except? NOTHING
    cdef int receive_into(self, list events, const uint8_t* data, size_t size) except -1
    cdef object event(self, Kind kind)
    cdef int change_state(self, int step) except -1
    cdef void set_state(self, int stage) noexcept
    cdef int end(self) except -1
    cdef bytes first_frame(self, int opcode, object data, bint fin, bint compress)
    cdef object compressed(self, object data, bint fin)
    cdef bytes data_frame(self, int first, object payload)
    cdef bytes frame(self, int first, object payload)
    cdef int write_frame(
        self, uint8_t* target, int first, const uint8_t* payload, size_t length
    ) except -1


# Make an endpoint as its class does, without looking at what others had looked at.
cdef Endpoint new_endpoint(Terms terms, bint masks, object deflate)
