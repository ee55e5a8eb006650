# No twin: connection/link.py, inbox.py and outbox.py take these steps one by one.
# Owns nothing: it joins what a connection consists of. Runs on the loop's thread.
"""The fast lane of a connection.

Ordinary messages go past the link: from the receive buffer through the endpoint to the user, and
from the user through the endpoint into the cork. Whatever is no ordinary message (control frames,
failures, fragments, compression, a closing connection) takes the road that the reference takes.
"""

from types import FunctionType

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport uint8_t
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
from trunkline.native.endpoint cimport BINARY, NOTHING, TEXT, Kind
from trunkline.native.inbox cimport AS_BYTES, AS_SENT, AS_TEXT, ITERATED, new_receive
from trunkline.native.life cimport Life
from trunkline.native.masking cimport tl_mask
from trunkline.native.messages cimport TL_FIN, tl_encode_header

from trunkline.native.awaitable import REUSED, sends_directly

cdef extern from *:
    """
    static inline void tl_share_am_anext(PyObject *kind, PyObject *heir)
    {
        ((PyTypeObject *)heir)->tp_as_async->am_anext =
            ((PyTypeObject *)kind)->tp_as_async->am_anext;
    }
    """
    void tl_share_am_anext(object kind, object heir) noexcept

cdef extern from "attributes.h":
    int tl_inherit_dict(object heir) except -1

cdef extern from *:
    """
    enum { FAST_CALL = METH_FASTCALL | METH_KEYWORDS };
    static PyMethodDef tl_send_method = {"send", NULL, FAST_CALL, NULL};
    static PyMethodDef tl_send_soon_method = {"send_soon", NULL, FAST_CALL, NULL};

    static inline PyObject *tl_new_method(PyObject *kind, PyMethodDef *method, void *function)
    {
        method->ml_meth = (PyCFunction)function;
        return PyDescr_NewMethod((PyTypeObject *)kind, method);
    }
    """
    struct PyMethodDef:
        pass
    PyMethodDef tl_send_method
    PyMethodDef tl_send_soon_method
    object tl_new_method(object kind, PyMethodDef* method, void* function)

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
    KEY_BYTES = 4
    # Above it, a payload that need not be masked leaves from where it stands.
    COPIED_BYTES = 8192


cdef int raise_current() except -1:
    """Raise the exception that C code has left."""
    return -1


# What recv(decode) asks for.
FORMS = {None: AS_SENT, True: AS_TEXT, False: AS_BYTES}


# One that has ended, for the next message: making a new one takes ten times as long.
cdef Send spare = None


cdef inline size_t write_frame(
    uint8_t* target, int opcode, const uint8_t* payload, size_t size
) noexcept:
    """Write a frame that is not masked; give its size."""
    cdef size_t head = tl_encode_header(target, TL_FIN | opcode, size, NULL)
    memcpy(target + head, payload, size)
    return head + size


def unbound(method):
    """Give a function that is called as a function of a class is, with the instance first."""
    return lambda events, connection, data: method(connection, data)


cdef class Lane(Life):
    """What a connection with a native stream does faster than the reference."""

    cdef int find_method(self) except -1:
        """Keep on_message without binding it: an object less for each connection."""
        self.expect_calls()
        function = getattr(type(self.events), "on_message", None)
        bound = self.events.on_message
        if isinstance(function, FunctionType) and getattr(bound, "__func__", None) is function:
            self.on_message = function
        else:
            self.on_message = unbound(bound)
        return 0

    # Receiving: called by the stream

    cdef int receive(self, uint8_t* data, size_t size) except -1:
        cdef:
            uint8_t* position = data
            uint8_t* end = data + size
            Kind kind
        self.footing.traffic.bytes_received += size
        kind = self.endpoint.pull(&position, end)
        while kind != NOTHING:
            self.act_on(kind)
            kind = self.endpoint.pull(&position, end)
        return self.arrived()

    cdef size_t wanted(self, uint8_t** where) noexcept:
        return self.endpoint.wanted(where)

    cdef int received(self, size_t size) except -1:
        cdef Kind kind = self.endpoint.received(size)
        self.footing.traffic.bytes_received += size
        if kind != NOTHING:
            self.act_on(kind)
        return self.arrived()

    @cython.final
    cdef int act_on(self, Kind kind) except -1:
        if kind != BINARY and kind != TEXT:
            return self.take(kind)
        # As in browsers: whoever has said goodbye listens no longer.
        if not self.endpoint.is_open:
            return 0
        self.footing.traffic.messages_received += 1
        return self.deliver()

    @cython.final
    cdef int arrived(self) except -1:
        return 0 if self.inbox is None else self.inbox.arrived(self)

    @cython.final
    cdef int deliver(self) except -1:
        """Hand the endpoint's message over."""
        cdef:
            object data = self.endpoint.data
            PyObject* arguments[3]
            PyObject* result
        self.endpoint.data = None
        if self.inbox is not None:
            return self.inbox.put(data)
        if self.on_message is None:
            self.find_method()
        arguments[0] = <PyObject*>self.events
        arguments[1] = <PyObject*>self
        arguments[2] = <PyObject*>data
        # A try around the call would save and restore what is being handled, for each message.
        result = call(<PyObject*>self.on_message, arguments, 3, NULL)
        if result == NULL:
            return self.handler_failed()
        Py_DECREF(<object>result)
        return 0

    cdef int handler_failed(self) except -1:
        """Take the exception that on_message() has raised."""
        try:
            raise_current()
        except self.footing.setting.mistakes as error:
            self._link.consumer.failed(self.events.on_message, error)
        except BaseException:
            # A KeyboardInterrupt: the rest of what was read is lost, and the connection with it.
            self.stream.lose(None)
            raise
        return 0

    # Receiving: called by the user; connection.Connection has the words

    def recv(self, decode=None):
        # What there is no form for, the reference refuses.
        if self.endpoint is None or not (decode is None or isinstance(decode, bool)):
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
        return new_send(self, message, text, compress)

    def send_soon(self, message, text=None, *, compress=True):
        if text is not None or not queue(self, message, compress):
            self._outbox.send_soon(message, text=text, compress=compress)

    @cython.final
    cdef bint put_message(self, object message, bint compress) except -1:
        """Send an ordinary message; `False`: it is none, and nothing was done."""
        cdef:
            Py_ssize_t size
            const char* data
            int opcode
        if self.endpoint is None or not self.endpoint.is_open:
            return False
        # What waits behind a message in fragments is not overtaken.
        if self.has_link() and self.is_fragmenting():
            return False
        if PyBytes_CheckExact(message):
            data, size = PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message)
            opcode = OPCODE_BINARY
        elif PyUnicode_CheckExact(message):
            data, opcode = PyUnicode_AsUTF8AndSize(message, &size), OPCODE_TEXT
        else:
            return False
        if not self.endpoint.sends_plain(size):
            return compress and self.put_compressed(message, opcode)
        put_frame(self, opcode, <const uint8_t*>data, size)
        return True

    cdef bint is_fragmenting(self) except -1:
        """Whether a fragmented message is under way; the link has the outbox, if there is one."""
        outbox = self.link.sender
        return outbox is not None and outbox.is_fragmenting

    cdef bint put_compressed(self, object message, int opcode) except -1:
        """Send a message compressed."""
        if opcode == OPCODE_TEXT:
            frame = self.endpoint.send_text(message)
        else:
            frame = self.endpoint.send_binary(message)
        self.footing.traffic.sent(PyBytes_GET_SIZE(frame))
        self.stream.put(<const uint8_t*>PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame))
        return True

    cdef int put_large(self, int opcode, const uint8_t* payload, size_t size) except -1:
        cdef uint8_t head[MAX_HEADER]
        cdef size_t head_size = tl_encode_header(head, TL_FIN | opcode, size, NULL)
        self.footing.traffic.sent(head_size + size)
        return self.stream.put_both(head, head_size, payload, size)

    cdef int put_masked(self, int opcode, const uint8_t* payload, size_t size) except -1:
        cdef:
            uint8_t key[KEY_BYTES]
            uint8_t* target
            size_t head
        # First: another source of keys than the pool may be Python, which may do anything.
        self.endpoint.take_key(key)
        if not self.stream.is_taking():
            return 0
        target = self.stream.reserve(size + MAX_HEADER)
        head = tl_encode_header(target, TL_FIN | opcode, size, key)
        tl_mask(target + head, payload, size, key, 0)
        self.footing.traffic.sent(head + size)
        return self.stream.commit(head + size)


# Functions, not methods, because Cython makes only those inline.

cdef inline bint queue(Lane lane, object message, bint compress) except -1:
    """Send an ordinary message that nobody waits for, unless too much is unsent."""
    # Hooks see a connection before it is open.
    if lane.endpoint is None or lane.stream.count_unsent() > lane.endpoint.terms.max_unsent:
        return False
    return lane.put_message(message, compress)


cdef inline int put_frame(Lane lane, int opcode, const uint8_t* payload, size_t size) except -1:
    """Send a message as one frame, as it is."""
    cdef uint8_t* target
    cdef size_t length
    if not lane.stream.is_taking():
        return 0
    if lane.endpoint.masks:
        return lane.put_masked(opcode, payload, size)
    if size > COPIED_BYTES:
        return lane.put_large(opcode, payload, size)
    # The answer to what is being handled, mostly: straight into the cork.
    target = lane.stream.room_in_cork(size + MAX_HEADER)
    if target != NULL:
        length = write_frame(target, opcode, payload, size)
        lane.footing.traffic.sent(length)
        return lane.stream.commit_corked(length)
    target = lane.stream.reserve(size + MAX_HEADER)
    length = write_frame(target, opcode, payload, size)
    lane.footing.traffic.sent(length)
    return lane.stream.commit(length)


# The short way of the messages' methods

cdef object call_send(object lane, PyObject** arguments, Py_ssize_t count, PyObject* names):
    if count == 1 and names == NULL:
        return new_send(<Lane>lane, <object>arguments[0], None, True)
    return call_slowly(Lane.send, lane, arguments, count, names)


cdef object call_send_soon(object lane, PyObject** arguments, Py_ssize_t count, PyObject* names):
    if count == 1 and names == NULL and queue(<Lane>lane, <object>arguments[0], True):
        return None
    return call_slowly(Lane.send_soon, lane, arguments, count, names)


cdef object call_slowly(method, lane, PyObject** arguments, Py_ssize_t count, PyObject* names):
    """Let `method` find out which argument is which."""
    given = [<object>arguments[index] for index in range(count)]
    named = {}
    if names != NULL:
        for index, name in enumerate(<tuple>names, count):
            named[name] = <object>arguments[<Py_ssize_t>index]
    return method(lane, *given, **named)


def called_directly(kind):
    """Class decorator: let nothing be looked up, nor sorted, where a subclass of `Lane` is called.

    By itself its slot would look up the name. And only methods of the very class of an object are
    called without a detour by CPython's specialised instructions.
    """
    tl_share_am_anext(Lane, kind)
    kind.send = tl_new_method(kind, &tl_send_method, <void*>call_send)
    kind.send_soon = tl_new_method(kind, &tl_send_soon_method, <void*>call_send_soon)
    return kind


cdef Send new_send(Lane lane, object message, object text, bint compress):
    global spare
    cdef Send send = spare
    spare = None
    if send is None or Py_REFCNT(send) > 1:
        send = Send.__new__(Send)
    send.stage = NEW
    send.lane, send.message, send.text, send.compress = lane, message, text, compress
    return send


cdef class Send(Awaitable):
    """What `send()` gives: a coroutine that sends, and waits above high water."""

    __name__, __qualname__ = "send", "Connection.send"

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
            self.rest = self.lane._link.drain()
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
tl_inherit_dict(Lane)
