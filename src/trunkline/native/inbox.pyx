# Twin of connection/inbox.py. Owns the unread messages of one connection.
# Runs on the loop's thread.
"""The unread messages of a connection that is read with `recv()`, compiled."""

cimport cython
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE

from trunkline.native.awaitable cimport (
    FINAL,
    FINISHED,
    NEW,
    WAITING,
    Awaitable,
    warn_of_unawaited,
)
from trunkline.native.endpoint cimport Endpoint
from trunkline.native.stream cimport Stream
from trunkline.native.wakeup cimport Wakeup, new_wakeup

from trunkline.errors import ConcurrencyError, ConnectionClosedOK, UsageError
from trunkline.limits import LOW_WATER_DIVISOR
from trunkline.native.awaitable import REUSED, sends_directly

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    Py_ssize_t Py_REFCNT(object o) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept

cdef enum:
    LARGEST_GAP = 64  # messages that are gone, in front of a list that never empties

cdef Py_ssize_t low_water_divisor = LOW_WATER_DIVISOR

# One that has ended, for the next message: making a new one takes ten times as long.
cdef Receive spare = None


cdef class Inbox:
    """Keeps messages until they are read, and lets the peer wait when there are many.

    Args:
        limits: `max_queue` and `max_queue_bytes` apply.
        stream: carries the answers.
        endpoint: of the connection; while it is open, nothing has ended or failed.
    """

    def __init__(self, limits, Stream stream not None, Endpoint endpoint not None):
        self.stream, self.endpoint = stream, endpoint
        self.max_count = min(limits.max_queue, PY_SSIZE_T_MAX)
        self.max_size = min(limits.max_queue_bytes, PY_SSIZE_T_MAX)

    # Reading

    cdef int begin_reading(self, object connection) except -1:
        if self.is_being_read:
            raise ConcurrencyError("recv() is already waiting for a message in another task")
        self.is_handling = False
        if self.count == 0 and not (self.endpoint.is_open or self.has_ended):
            connection._link.settle()
        return 0

    cdef object take(self, object connection):
        """Give the next message; there is one."""
        data = self.first
        self.count -= 1
        self.first = self.take_other() if self.count else None
        self.size -= size_of(data)
        self.is_handling = True
        if self.count:
            # What answers messages that came together leaves together.
            self.stream.hold_back()
        if self.stream.is_reading_paused and self.is_below(low_water_divisor):
            connection._link.resume_reading()
        return data

    cdef object take_other(self):
        """Give the oldest of the others: a list and an index, for half of what a deque takes."""
        data = self.others[self.taken]
        self.others[self.taken] = None
        self.taken += 1
        if self.taken == len(self.others):
            self.others.clear()
            self.taken = 0
        elif self.taken >= LARGEST_GAP and 2 * self.taken >= len(self.others):
            del self.others[: self.taken]
            self.taken = 0
        return data

    cdef bint is_below(self, Py_ssize_t divisor) noexcept:
        return self.count <= self.max_count // divisor and self.size <= self.max_size // divisor

    def discard(self):
        """End, and drop what was not read; say how many messages that was."""
        cdef Py_ssize_t count = self.count
        self.first = self.others = None
        self.count = self.size = self.taken = 0
        # A reader that a message has woken finds none, and is told of the end as well.
        self.ended()
        return count

    # Called by the lane

    cdef int put(self, object data) except -1:
        """Keep a message; arrived() follows."""
        if self.count == 0:
            self.first = data
        else:
            if self.others is None:
                self.others = []
            self.others.append(data)
        self.count += 1
        self.size += size_of(data)
        return 0

    cdef int arrived(self, object connection) except -1:
        """Let the reader go on, and the peer wait where messages are left that are enough."""
        if self.reader is not None and self.count:
            self.wake(self.stream.poller.is_busy and not self.stream.poller.has_plain_steps)
        if self.count:
            self.pause_when_full(connection)
        return 0

    cdef int pause_when_full(self, object connection) except -1:
        if self.count >= self.max_count or self.size >= self.max_size:
            connection._link.pause_reading()
        return 0

    # Called by the link, as a consumer

    def opened(self):
        """Wait for messages."""

    def message(self, data):
        """The lane takes messages past the link."""

    def ping(self, payload):
        """Nobody asks for pings here."""

    def pong(self, payload):
        """Whoever waits for a pong waits for its ping."""

    def drained(self):
        """Whoever waits in `send()` has been woken."""

    def is_settled(self):
        """Whether every message was read, and the next one asked for."""
        return self.count == 0 and not self.is_handling

    def ended(self):
        """Wake the reader."""
        self.has_ended = True
        self.wake_soon()

    def lost(self):
        """Everything has been said by `ended()`."""

    def wake_soon(self):
        """Let the reader go on, when the link has done what it is about."""
        if self.reader is not None:
            self.wake(False)

    cdef int wake(self, bint directly) except -1:
        cdef Wakeup reader = self.reader
        self.reader = None
        try:
            reader.wake(directly)
        except MemoryError:
            # It still waits, and hears of the end that this brings about.
            if self.is_being_read and self.reader is None:
                self.reader = reader
            raise
        return 0


cdef Py_ssize_t size_of(object data) noexcept:
    return PyBytes_GET_SIZE(data) if PyBytes_CheckExact(data) else PyUnicode_GET_LENGTH(data)


cdef Receive new_receive(Inbox inbox, object connection, Form form):
    global spare
    cdef Receive receive = spare
    spare = None
    if receive is None or Py_REFCNT(receive) > 1:
        receive = Receive.__new__(Receive)
    receive.stage = NEW
    receive.inbox, receive.connection, receive.form = inbox, connection, form
    return receive


# A collector that cleared it would make it forget whose reader it was. No cycle is made of these
# alone, so every cycle is broken elsewhere.
@cython.no_gc_clear
cdef class Receive(Awaitable):
    """What `recv()` and `__anext__()` give: a coroutine that waits for the next message."""

    __name__, __qualname__ = "recv", "Connection.recv"

    cdef object advance(self, object value):
        if self.stage == FINISHED:
            raise RuntimeError(REUSED)
        if self.stage == NEW:
            if self.inbox is None:
                self.stage = FINISHED
                raise UsageError("messages of this connection go to on_message(), not to recv()")
            self.stage = FINISHED  # unless it comes to waiting
            self.inbox.begin_reading(self.connection)
        if self.inbox.count:
            return self.finish()
        if self.inbox.has_ended:
            self.stop()
            raise self.end()
        reader = new_wakeup(self.inbox.stream.poller.loop)
        self.inbox.reader, self.inbox.is_being_read = reader, True
        self.stage = WAITING
        return reader

    cdef object finish(self):
        """Take the message: only now, so that whoever stops waiting loses none."""
        self.stop()
        data = self.inbox.take(self.connection)
        if self.form == AS_TEXT and isinstance(data, bytes):
            data = data.decode()
        elif self.form == AS_BYTES and isinstance(data, str):
            data = data.encode()
        self.outcome = data
        self.let_go()
        return FINAL

    cdef int let_go(self) except -1:
        """Hold nothing any more, and be there for the next message."""
        global spare
        self.inbox = self.connection = None
        spare = self
        return 0

    cdef int stop(self) except -1:
        self.stage = FINISHED
        self.inbox.is_being_read = False
        return 0

    cdef int interrupt(self) except -1:
        if self.inbox is not None and self.inbox.is_being_read:
            self.inbox.is_being_read = False
            self.inbox.reader = None
        return 0

    cdef object end(self):
        """Make the error that says how the connection has ended, or the end of an iteration."""
        if self.form == ITERATED and self.inbox.has_ended_well:
            return StopAsyncIteration()
        error = self.connection.closed()
        if self.form != ITERATED:
            return error
        if isinstance(error, ConnectionClosedOK) or self.connection.ends_quietly:
            return StopAsyncIteration()
        return error

    def __dealloc__(self):
        if self.stage == WAITING and self.inbox is not None:
            self.interrupt()
        if self.stage == NEW and self.form != ITERATED:
            warn_of_unawaited("Connection.recv")


sends_directly(Receive)
