# No twin: connection/link.py, inbox.py and outbox.py take these steps one by one.
# Owns nothing: it joins what a connection consists of. Runs on the loop's thread.
"""The fast lane of a connection.

Ordinary messages go past the link: from the receive buffer through the endpoint to the user, and
from the user through the endpoint into the cork. Whatever is no ordinary message (control frames,
failures, fragments, compression, a closing connection) takes the road that the reference takes.
"""

from types import FunctionType

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport SIZE_MAX, uint8_t
from libc.string cimport memcpy

from trunkline.native.awaitable cimport (
    FINAL,
    FINISHED,
    NEW,
    WAITING,
    Awaitable,
    thrown,
    warn_of_unawaited,
)
from trunkline.native.endpoint cimport BINARY, FAILED, NOTHING, PING, PONG, TEXT, Endpoint, Kind
from trunkline.native.inbox cimport AS_BYTES, AS_SENT, AS_TEXT, ITERATED, new_receive
from trunkline.native.messages cimport TL_FIN, tl_encode_header
from trunkline.native.poller cimport BUFFER_BYTES, Poller
from trunkline.native.sink cimport Sink
from trunkline.native.stream cimport Stream

from trunkline.native.awaitable import REUSED, sends_directly
from trunkline.protocol.events import Failed, Ping, Pong

cdef extern from *:
    """
    static inline void tl_share_am_anext(PyObject *kind, PyObject *heir)
    {
        ((PyTypeObject *)heir)->tp_as_async->am_anext =
            ((PyTypeObject *)kind)->tp_as_async->am_anext;
    }
    """
    void tl_share_am_anext(object kind, object heir) noexcept

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(object o) noexcept
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    # Without the exception that Cython would raise: NULL is looked at.
    PyObject* call "PyObject_Vectorcall" (
        PyObject* function, PyObject** arguments, size_t count, PyObject* names
    ) noexcept

cdef enum:
    OPCODE_TEXT = 0x1
    OPCODE_BINARY = 0x2
    MAX_HEADER = 14
    # Above it, a payload that need not be masked leaves from where it stands.
    COPIED_BYTES = 8192


cdef int raise_current() except -1:
    """Raise the exception that C code has left."""
    return -1


# What recv(decode) asks for.
FORMS = {None: AS_SENT, True: AS_TEXT, False: AS_BYTES}


# One that has ended, for the next message: making a new one takes ten times as long.
cdef Send spare = None


cdef class Lane(Sink):
    """What a connection with a native stream does faster than the reference."""

    def join(self, link, Stream stream not None, Endpoint endpoint not None, consumer, events):
        """Join the parts of one connection; called once, when it opens.

        Args:
            link: of the connection.
            stream: of the link.
            endpoint: of the link.
            consumer: an `Inbox`, or what calls the methods of `events`.
            events: the user's, or `None`.
        """
        limit = link.limits.max_unsent
        self.link, self.stream, self.endpoint = link, stream, endpoint
        self.max_unsent = SIZE_MAX if limit is None else limit
        if events is None:
            self.inbox = consumer
        else:
            self.dispatcher, self.events = consumer, events
        stream.sink = self

    cdef int find_method(self) except -1:
        """Keep on_message without binding it: an object less for each connection."""
        function = getattr(type(self.events), "on_message", None)
        bound = self.events.on_message
        if isinstance(function, FunctionType) and getattr(bound, "__func__", None) is function:
            self.on_message = function
        else:
            self.events, self.on_message = None, bound
        return 0

    # Receiving: called by the stream

    cdef int receive(self, uint8_t* data, size_t size) except -1:
        cdef:
            uint8_t* position = data
            uint8_t* end = data + size
            Kind kind
        while True:
            kind = self.endpoint.pull(&position, end)
            # As in browsers: whoever has said goodbye listens no longer.
            if kind == BINARY or kind == TEXT:
                if self.endpoint.is_open:
                    self.deliver()
            elif kind == NOTHING:
                break
            else:
                self.take(kind)
        if self.inbox is not None:
            self.inbox.arrived()
        return 0

    cdef size_t wanted(self, uint8_t** where) noexcept:
        return self.endpoint.wanted(where)

    cdef int received(self, size_t size) except -1:
        cdef Kind kind = self.endpoint.received(size)
        if kind == BINARY or kind == TEXT:
            if self.endpoint.is_open:
                self.deliver()
        elif kind != NOTHING:
            self.take(kind)
        if self.inbox is not None:
            self.inbox.arrived()
        return 0

    cdef int take(self, Kind kind) except -1:
        """Act on an event that is no message."""
        data, self.endpoint.data = self.endpoint.data, None
        if kind == PING:
            self.link.receive(Ping(data))
        elif kind == PONG:
            self.link.receive(Pong(data))
        elif kind == FAILED:
            self.link.receive(Failed(data))
        else:
            self.link.receive(data)
        return 0

    cdef int deliver(self) except -1:
        """Hand the endpoint's message over."""
        cdef:
            object data = self.endpoint.data
            PyObject* arguments[3]
            bint is_bound
            PyObject* result
        self.endpoint.data = None
        if self.inbox is not None:
            return self.inbox.put(data)
        if self.on_message is None:
            self.find_method()
        is_bound = self.events is None
        arguments[0] = <PyObject*>self.events
        arguments[1] = <PyObject*>self
        arguments[2] = <PyObject*>data
        # A try around the call would save and restore what is being handled, for each message.
        result = call(<PyObject*>self.on_message, arguments + is_bound, 3 - is_bound, NULL)
        if result == NULL:
            return self.handler_failed()
        Py_DECREF(<object>result)
        return 0

    cdef int handler_failed(self) except -1:
        """Take the exception that on_message() has raised."""
        try:
            raise_current()
        except Exception as error:
            self.dispatcher.failed(self.on_message, error)
        except BaseException:
            # A KeyboardInterrupt: the rest of what was read is lost, and the connection with it.
            self.stream.lose(None)
            raise
        return 0

    # Receiving: called by the user; connection.Connection has the words

    def recv(self, decode=None):
        if self.endpoint is None:
            return super().recv(decode)
        return new_receive(self.inbox, self, FORMS[decode])

    def __aiter__(self):
        return self

    def __anext__(self):
        if self.endpoint is None:
            return super().__anext__()
        return new_receive(self.inbox, self, ITERATED)

    # Sending: called by the user

    def send(self, message, text=None, *, compress=True):
        global spare
        cdef Send send = spare
        spare = None
        if send is None or Py_REFCNT(send) > 1:
            send = Send.__new__(Send)
        send.stage = NEW
        send.lane, send.message, send.text, send.compress = self, message, text, compress
        return send

    def send_soon(self, message, text=None, *, compress=True):
        if text is None and self.endpoint is not None:
            is_read = self.stream.count_unsent() <= self.max_unsent
            if is_read and self.put_message(message, compress):
                return
        self._outbox.send_soon(message, text=text, compress=compress)

    cdef bint put_message(self, object message, bint compress) except -1:
        """Send an ordinary message; `False`: it is none, and nothing was done."""
        cdef:
            Py_ssize_t size
            const char* data
            int opcode
        if not self.endpoint.is_open:
            return False
        # What waits behind a message in fragments is not overtaken.
        if self._sender is not None and self._sender.is_fragmenting:
            return False
        if PyUnicode_CheckExact(message):
            data, opcode = PyUnicode_AsUTF8AndSize(message, &size), OPCODE_TEXT
        elif PyBytes_CheckExact(message):
            data, size = PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message)
            opcode = OPCODE_BINARY
        else:
            return False
        if not self.endpoint.sends_plain(size):
            return compress and self.put_compressed(message, opcode)
        self.put_frame(opcode, <const uint8_t*>data, size)
        return True

    cdef bint put_compressed(self, object message, int opcode) except -1:
        """Send a message compressed."""
        if opcode == OPCODE_TEXT:
            frame = self.endpoint.send_text(message)
        else:
            frame = self.endpoint.send_binary(message)
        try:
            self.stream.put(<const uint8_t*>PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame))
        except MemoryError as error:
            # What is compressed later may refer to it.
            self.stream.lose(error)
            raise
        return True

    cdef int put_frame(self, int opcode, const uint8_t* payload, size_t size) except -1:
        cdef:
            Stream stream = self.stream
            uint8_t head[MAX_HEADER]
            uint8_t* target
            size_t whole
        if not stream.is_taking():
            return 0
        if self.put_corked(opcode, payload, size):
            return 0
        if self.endpoint.masks:
            whole = self.endpoint.frame_size(size)
            self.endpoint.encode(stream.reserve(whole), opcode, payload, size)
        elif size > COPIED_BYTES:
            whole = tl_encode_header(head, TL_FIN | opcode, size, NULL)
            return stream.put_both(head, whole, payload, size)
        else:
            target = stream.reserve(size + MAX_HEADER)
            whole = tl_encode_header(target, TL_FIN | opcode, size, NULL)
            memcpy(target + whole, payload, size)
            whole += size
        return stream.commit(whole)

    cdef bint put_corked(self, int opcode, const uint8_t* payload, size_t size) except -1:
        """Put the answer to what is being handled straight into the cork; `False`: it cannot be."""
        cdef:
            Stream stream = self.stream
            Poller poller = stream.poller
            uint8_t* target
            size_t head
        if poller.current is not stream or stream.backlog != NULL or stream.is_corked:
            return False
        if self.endpoint.masks:
            return False
        if size > COPIED_BYTES or poller.corked_size + size + MAX_HEADER > BUFFER_BYTES:
            return False
        target = poller.corked + poller.corked_size
        head = tl_encode_header(target, TL_FIN | opcode, size, NULL)
        memcpy(target + head, payload, size)
        poller.corked_size += head + size
        stream.written += head + size
        if poller.corked_size > stream.write_limit:
            stream.watch_water()
        return True


def iterates_directly(kind):
    """Class decorator: give a subclass of `Lane` its slot; by itself it would look up the name."""
    tl_share_am_anext(Lane, kind)
    return kind


cdef class Send(Awaitable):
    """What `send()` gives: a coroutine that sends, and waits above high water."""

    cdef object advance(self, object value):
        if self.stage == WAITING:
            return self.go_on(value)
        if self.stage == FINISHED:
            raise RuntimeError(REUSED)
        self.stage = FINISHED  # unless something is left
        message, self.message = self.message, None
        if self.put_at_once(message):
            if not self.lane.stream.is_writing_paused:
                self.let_go()
                return FINAL
            self.rest = self.lane.link.drain()
        else:
            self.rest = self.lane._outbox.send(message, text=self.text, compress=self.compress)
        self.stage = WAITING
        return self.go_on(None)

    cdef int let_go(self) except -1:
        """Hold nothing any more, and be there for the next message."""
        global spare
        self.lane = self.text = None
        spare = self
        return 0

    cdef bint put_at_once(self, object message) except -1:
        if self.text is not None or self.lane.endpoint is None:
            return False
        return self.lane.put_message(message, self.compress)

    cdef object go_on(self, object value):
        """Let the coroutine do what is left."""
        try:
            return self.rest.send(value)
        except StopIteration:
            self.stage = FINISHED
            return FINAL
        except BaseException:
            self.stage = FINISHED
            raise

    cdef int interrupt(self) except -1:
        if self.rest is not None:
            self.rest.close()
        return 0

    cdef object interrupted(self, object kind, object value, object traceback):
        if self.stage == NEW:
            return Awaitable.interrupted(self, kind, value, traceback)
        try:
            return self.rest.throw(thrown(kind, value, traceback))
        except StopIteration:
            self.stage = FINISHED
            return FINAL
        except BaseException:
            self.stage = FINISHED
            raise

    def __dealloc__(self):
        if self.stage == NEW:
            warn_of_unawaited("Connection.send")


sends_directly(Send)
