# No twin: connection/link.py has all the rules, and this those that an ordinary life needs.
# Owns nothing: it joins what a connection consists of. Runs on the loop's thread.
"""The life of a connection, without its link as long as that has nothing to do.

At rest a connection is open, nobody has said goodbye, nothing is owed, no ping is under way, and
reading is not paused. What an ordinary life brings then is done here: the peer's pings and its
goodbye, the look at its pulse, the end of the stream. For everything else the link is made, which
finds the connection at rest and takes it from there.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from trunkline.native.closing cimport write_close
from trunkline.native.endpoint cimport CLOSE, FAILED, PING, PONG, Kind
from trunkline.native.footing cimport Footing
from trunkline.native.inbox cimport Inbox
from trunkline.native.messages cimport TL_FIN, TL_MAX_CONTROL, tl_header_size
from trunkline.native.sink cimport Sink
from trunkline.native.sockets cimport tl_monotonic
from trunkline.native.stream cimport Stream
from trunkline.native.timer_wheel cimport Timed

from trunkline.close_codes import CloseCode
from trunkline.errors import OK_CODES
from trunkline.protocol.events import Failed, Ping, Pong

cdef extern from "attributes.h":
    void tl_drop_dict(object owner) noexcept
    void tl_lend_dict(object owner) noexcept
    int tl_prepare_loans(object kind) except -1

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* o) noexcept

# As in connection/state.py
cdef enum State:
    CONNECTING
    OPEN
    CLOSING
    CLOSED

cdef enum:
    OPCODE_CLOSE = 0x8
    OPCODE_PONG = 0xA
    # Of a timer that is set: its neighbours in the ring.
    NEIGHBOURS = 2


cdef class Life(Sink):
    """A connection from its opening to its end, as far as it is ordinary."""

    # Beginning

    def __cinit__(self):
        tl_drop_dict(self)

    def _join(self, Footing footing not None, Stream stream not None):
        self.footing, self.stream = footing, stream

    def _begin(self, Footing footing not None, events, bytes received not None):
        self.begin(footing, events)
        if received:
            self.receive_copy(received)
        self.catch_up()

    cdef int begin(self, Footing footing, object events) except -1:
        cdef Stream stream = self.stream
        self.footing, self.endpoint = footing, footing.new_endpoint()
        if events is None:
            self.inbox = Inbox(footing.setting.limits, stream, self.endpoint)
            self.expect_calls()
        self.events = events
        sink = self.meter_or_self()
        stream.pour_into(sink)
        stream.last_heard = tl_monotonic()
        if self.has_link():
            self.link.endpoint, self.link.owner = self.endpoint, self
            self.link.meter = None if sink is self else sink
        if footing.ping_interval:
            footing.timers.put(self.link if self.has_link() else self, footing.ping_interval)
        if events is not None:
            self.tell(events.on_open, (self,))
        return 0

    cdef Sink meter_or_self(self):
        """Give what is to take the bytes."""
        return self if self.footing.new_meter is None else self.footing.new_meter(self)

    cdef int receive_early(self, uint8_t* data, size_t size) except -1:
        """Take bytes that arrived behind the handshake, the way that later ones go."""
        if self.stream.is_lost:
            return self.receive(data, size)
        return self.stream.sink.receive(data, size)

    cdef void expect_calls(self) noexcept:
        """Be ready for a handler that calls `send()` and its like for each message."""
        tl_lend_dict(self)

    cdef int keep_own_values(self, bytes values) except -1:
        cdef:
            uint32_t size = PyBytes_GET_SIZE(values)
            uint8_t* kept = <uint8_t*>PyMem_Malloc(sizeof(size) + size)
        if kept == NULL:
            raise MemoryError
        memcpy(kept, &size, sizeof(size))
        memcpy(kept + sizeof(size), PyBytes_AS_STRING(values), size)
        PyMem_Free(self.own_values)
        self.own_values = kept
        return 0

    def __dealloc__(self):
        PyMem_Free(self.own_values)

    @property
    def _own_values(self):
        cdef uint32_t size
        if self.own_values == NULL:
            return None
        memcpy(&size, self.own_values, sizeof(size))
        return PyBytes_FromStringAndSize(<const char*>self.own_values + sizeof(size), size)

    @_own_values.setter
    def _own_values(self, bytes values not None):
        self.keep_own_values(values)

    cdef int receive_copy(self, bytes received) except -1:
        """Take bytes that may be written to in a copy only."""
        cdef:
            size_t size = PyBytes_GET_SIZE(received)
            uint8_t* copy = <uint8_t*>PyMem_Malloc(size)
        if copy == NULL:
            raise MemoryError
        memcpy(copy, PyBytes_AS_STRING(received), size)
        try:
            return self.receive_early(copy, size)
        finally:
            PyMem_Free(copy)

    cdef int catch_up(self) except -1:
        """Take note of what the stream told the receiver before."""
        if self.stream.is_lost:
            return self.lost(None)
        if self.stream.has_ended:
            return self.ended()
        if self.stream.sink.holds_back() or self.has_link() and self.link.is_reading_paused:
            return 0
        if self.stream.is_reading_paused:
            self.stream.resume_reading()
        return 0

    # With a link, and without

    cdef object own_link(self):
        """Give the link; make it where there is none, in the state that things are in."""
        if not self.has_link():
            self.link = self._new_link(self.endpoint, self.link)
            (<Timed>self.link).take_place_of(self)
        return self.link

    cdef int let_link_go(self) except -1:
        """Do without the link where nothing is left for it to do, and nobody else holds it."""
        cdef Py_ssize_t known = 1 if (<Timed>self.link).slot is None else 1 + NEIGHBOURS
        if Py_REFCNT(<PyObject*>self.link) > known or not self.link.is_at_rest:
            return 0
        self.round_trip = self.link.latency
        self.take_place_of(self.link)
        self.link = None
        return 0

    @property
    def _link(self):
        return self.own_link()

    @property
    @cython.nonecheck(True)  # where an heir has not called __init__()
    def _setting(self):
        return self.footing.setting

    @property
    @cython.nonecheck(True)
    def _agreement(self):
        return self.footing.agreement

    @property
    def _stream(self):
        return self.stream

    @property
    def latency(self):
        return self.link.latency if self.has_link() else self.round_trip

    @property
    @cython.nonecheck(True)
    def _ready_state(self):
        """The number of the state, as in connection/state.py."""
        if self.has_link():
            return self.link.state
        if self.stream.is_lost:
            return CLOSED
        if self.endpoint is None:
            return CONNECTING
        return OPEN if self.endpoint.is_open else CLOSING

    # Called by the user; connection.Connection has the words

    def close_soon(self, code=CloseCode.NORMAL_CLOSURE, str reason=""):
        if not self.has_ended_well():
            self.own_link().close(code, reason)

    # Called by the timer wheel

    cdef int go_off(self) except -1:
        """Feel the peer's pulse; or give up waiting for the end after its goodbye."""
        cdef double silence
        if self.has_ended_well():
            self.stream.abort()
            return 0
        silence = self._silence()
        if self.is_stalling() or silence >= self.footing.ping_interval:
            self.own_link().fire()
            return 0
        return self.footing.timers.put(self, self.footing.ping_interval - silence)

    cdef bint is_stalling(self) noexcept:
        """Whether it is to be seen if anything leaves."""
        if self.stream.is_writing_paused:
            return True
        return self.footing.minds_stalls and self.stream.count_unsent() > 0

    # Called by the stream

    cdef int ended(self) except -1:
        if self.has_ended_well():
            self.stream.close()
        else:
            self.own_link().end_received()
        return 0

    cdef int resumed(self) except -1:
        if self.has_link():
            self.link.writing_resumed()
        elif self.endpoint.is_open and self.events is not None:
            self.tell(self.events.on_drain, (self,))
        return 0

    cdef int lost(self, object error) except -1:
        if error is not None or not self.has_ended_well():
            self.own_link().stream_lost(error)
            return 0
        self.order_off()
        if self.events is not None:
            self.tell(self.events.on_close, (self, self.link.code, self.link.reason, True))
        if self.footing.when_lost is not None:
            self.footing.when_lost(self)
        return 0

    # What arrives and is no message

    cdef int take(self, Kind kind) except -1:
        """Act on an event that is no message."""
        data, self.endpoint.data = self.endpoint.data, None
        if not self.has_link():
            if kind == PING or kind == PONG:
                self.footing.traffic.control_received += 1
            if kind == PING and not self.stream.is_writing_paused:
                return self.ping_received(data)
            if kind == CLOSE:
                return self.close_received(data)
            if kind == PONG:
                return 0 if self.events is None else self.tell(self.events.on_pong, (self, data))
        return self.pass_on(kind, data)

    cdef int pass_on(self, Kind kind, object data) except -1:
        """Have the link act on it."""
        if kind == PING:
            self.own_link().receive(Ping(data))
        elif kind == PONG:
            self.own_link().receive(Pong(data))
            self.let_link_go()
        elif kind == FAILED:
            self.own_link().receive(Failed(data))
        else:
            self.own_link().receive(data)
        return 0

    cdef int ping_received(self, bytes payload) except -1:
        self.put_control(
            OPCODE_PONG, <const uint8_t*>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)
        )
        return 0 if self.events is None else self.tell(self.events.on_ping, (self, payload))

    cdef int close_received(self, object close) except -1:
        """Answer the peer's goodbye, and wait for the end of the stream."""
        cdef:
            Footing footing = self.footing
            uint8_t body[TL_MAX_CONTROL]
            size_t size = write_close(body, close)
        # RFC 6455 §5.5.1: the answer repeats the code that was received
        self.put_control(OPCODE_CLOSE, body, size)
        self.link = close
        self.endpoint.end()
        if footing.close_timeout < 0:
            self.order_off()
        else:
            footing.timers.put(self, footing.close_timeout)
        if self.inbox is not None:
            self.inbox.has_ended_well = close.code in OK_CODES
            self.inbox.ended()
        # RFC 6455 §7.1.1: the server begins with it
        if not footing.masks:
            self.stream.end_writing()
        return 0

    cdef int put_control(self, int opcode, const uint8_t* payload, size_t size) except -1:
        cdef:
            uint8_t frame[TL_MAX_CONTROL]
            size_t length = tl_header_size(size, self.footing.masks) + size
        self.endpoint.write_frame(frame, TL_FIN | opcode, payload, size)
        self.footing.traffic.bytes_sent += length
        self.stream.sink.note_control(length)
        return self.stream.put(frame, length)

    cdef int tell(self, object method, tuple arguments) except -1:
        """Call a method of the user's."""
        try:
            method(*arguments)
        except self.footing.setting.mistakes as error:
            self._link.consumer.failed(method, error)
        return 0


tl_prepare_loans(Life)
