# No twin: server/opening.py is asked for everything that is not plain.
# Owns nothing: the poller owns the streams. Runs on the loop's thread.
"""From accept() to an open connection, where a request is like an earlier one.

An arrival listens to a stream until its first bytes are there. If the reception knows what to
answer, the connection opens at once. Otherwise an `Opening` takes the arrival's place, and
everything else: a request in pieces, one that is new or wrong, a deadline, a server that closes.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject, PyTypeObject
from libc.math cimport INFINITY, isinf
from libc.stdint cimport UINT32_MAX, uint8_t

from trunkline.native.life cimport Life
from trunkline.native.listener cimport Acceptor
from trunkline.native.messages cimport at_most
from trunkline.native.opening cimport EMPTY_LINE, Form, Reception, Terms
from trunkline.native.poller cimport Poller
from trunkline.native.sink cimport Sink
from trunkline.native.sockets cimport EPOLLIN, close_fd, tl_monotonic
from trunkline.native.stream cimport Stream
from trunkline.native.timer_wheel cimport TimerWheel


cdef class Entrance(Acceptor):
    def __cinit__(
        self,
        Reception reception not None,
        TimerWheel timers not None,
        open_timeout,
        write_limit,
        *,
        decline,
        type kind not None,
        footing_for,
        opened,
        start,
        undo,
        shared_events=None,
        events_kind=None,
        events_for=None,
    ):
        if not issubclass(kind, Life):
            raise TypeError(f"{kind!r} is no kind of compiled connection")
        self.reception, self.timers = reception, timers
        self.write_limit = at_most(write_limit, UINT32_MAX)
        self.open_timeout = INFINITY if open_timeout is None else open_timeout
        self.decline, self.kind, self.footing_for = decline, kind, footing_for
        self.opened, self.start, self.undo = opened, start, undo
        self.shared_events, self.events_for = shared_events, events_for
        self.events_kind = events_kind
        self.waiting = set()

    @property
    def count(self):
        return len(self.waiting)

    def close(self):
        """Let openings refuse who is waiting, and who comes from now on."""
        cdef Arrival arrival
        self.is_closed = True
        for arrival in list(self.waiting):
            arrival.give_way()

    cdef int accept(self, Poller poller, int fd) except -1:
        cdef Stream stream
        try:
            stream = Stream.__new__(Stream, poller, fd, None, self.write_limit)
        except BaseException:
            close_fd(fd)
            raise
        try:
            self.admit(stream)
            stream.watch(EPOLLIN)
        except BaseException:
            stream.abort()  # of which its sink hears
            raise
        return 0

    def __call__(self, Stream stream not None):
        self.admit(stream)
        return stream.receiver

    cdef int admit(self, Stream stream) except -1:
        cdef Arrival arrival
        if self.is_closed:
            stream.receiver = self.decline(stream, 0.0)
            return 0
        arrival = Arrival.__new__(Arrival)
        arrival.entrance, arrival.stream, arrival.since = self, stream, tl_monotonic()
        stream.pour_into(arrival)
        if stream.sink is None:
            return 0  # lost already, and told so
        self.waiting.add(arrival)
        return 0 if isinf(self.open_timeout) else self.timers.put(arrival, self.open_timeout)

    cdef object new_events(self, Form form, const uint8_t* data):
        if self.events_kind is not None:
            return self.events_kind()
        if self.events_for is None:
            return self.shared_events
        head = PyBytes_GET_SIZE(form.head) - EMPTY_LINE
        return self.events_for(PyBytes_FromStringAndSize(<const char*>data, head))

    cdef Life new_connection(self, Stream stream, Form form, const uint8_t* data):
        """Make a connection, which is not open yet."""
        cdef:
            Terms terms = form.terms
            Life life = (<PyTypeObject*>self.kind).tp_new(self.kind, <PyObject*>(), NULL)
        if terms.footing is None:
            terms.footing = self.footing_for(terms.agreement)
        life.footing, life.stream = terms.footing, stream
        life._heads = form.pattern
        life.keep_own_values(self.reception.own_values(form, data + form.key_at))
        return life

    cdef int begin(self, Life life, object events, uint8_t* rest, size_t size) except -1:
        """Open a connection whose request was answered, as server/beginning.py does."""
        self.opened(life)
        try:
            life.begin(life.footing, events)
            if size:
                life.receive_early(rest, size)
            life.catch_up()
            if self.start is not None:
                self.start(life)
        except Exception:
            self.undo(life)
        return 0


cdef class Arrival(Sink):
    """A stream whose request has not arrived yet."""

    cdef int leave(self) except -1:
        """Listen no more."""
        if self.entrance is not None:
            self.order_off()
            self.entrance.waiting.discard(self)
            self.entrance = None
        return 0

    cdef object give_way(self):
        """Give the opening that takes this place."""
        cdef:
            Entrance entrance = self.entrance
            Stream stream = self.stream
        self.leave()
        try:
            opening = entrance.decline(stream, tl_monotonic() - self.since)
        except BaseException:
            stream.abort()  # nobody is left who would listen
            raise
        try:
            stream.receiver = opening
        except MemoryError:
            opening.stream_lost(None)
            stream.abort()
            raise
        return opening

    # Called by the stream

    cdef int receive(self, uint8_t* data, size_t size) except -1:
        cdef:
            Arrival itself = self  # of which the stream lets go
            Form form = self.entrance.reception.recognize(data, size)
        if form is not None:
            return itself.open(form, data, size)
        itself.give_way().bytes_received(PyBytes_FromStringAndSize(<char*>data, size))
        return 0

    cdef int ended(self) except -1:
        self.stream.close()
        return 0

    cdef int resumed(self) except -1:
        return 0

    cdef int lost(self, object error) except -1:
        return self.leave()

    # Called by the timer wheel

    cdef int go_off(self) except -1:
        self.give_way().fire()
        return 0

    # Opening

    cdef int open(self, Form form, uint8_t* data, size_t size) except -1:
        """Answer as others were answered who asked the same."""
        cdef:
            Entrance entrance = self.entrance
            Reception reception = entrance.reception
            Stream stream = self.stream
            size_t head = PyBytes_GET_SIZE(form.head), answer
            Life life
        try:
            answer = reception.measure_answer(form)  # first: it looks at the clock
            life = entrance.new_connection(stream, form, data)
            events = entrance.new_events(form, data)
        except (Exception, SystemExit):
            self.give_way().fail()
            return 0
        self.leave()
        stream.receiver = None
        if not stream.is_taking():
            return 0
        reception.write_answer(stream.reserve(answer), form, data + form.key_at)
        stream.commit(answer)
        return entrance.begin(life, events, data + head, size - head)
