# No twin: the asyncio loop itself does this for asyncio transports.
# Owns an epoll set that the loop watches as one descriptor, and the buffers its streams share.
# Runs on the loop's thread; only call_from_thread() may be called on others.
"""One epoll set under an asyncio loop."""

import os
import weakref
from collections import deque

cimport cython
from libc.errno cimport errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from trunkline.native.backlog cimport tl_backlog_free
from trunkline.native.sockets cimport (
    EFD_CLOEXEC,
    EFD_NONBLOCK,
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLIN,
    close_fd,
    epoll_create1,
    epoll_ctl,
    epoll_event,
    epoll_wait,
    eventfd,
    read,
    tl_monotonic,
    write,
)

cdef enum:
    BATCH_EVENTS = 1024
    SHORTEST_SPINS = 16  # patience shrinks to this part of busy_poll
    TIME_IS_UP = -2

# Seconds: timers and tasks of the loop wait no longer than this for a busy stay to end.
cdef double LONGEST_STAY = 0.001

pollers = weakref.WeakSet()


@cython.no_gc
cdef class Pollable:
    def __cinit__(self):
        self.fd = -1

    cdef int watch(self, uint32_t interest) except -1:
        """Ask epoll for these events, from now on."""
        cdef epoll_event event
        if self.is_registered and interest == self.interest:
            return 0
        if not self.is_registered:
            return self.poller.register(self, interest)
        event.events = interest
        event.data.ptr = <void*>self
        if epoll_ctl(self.poller.epoll_fd, EPOLL_CTL_MOD, self.fd, &event) < 0:
            raise OSError(errno, os.strerror(errno))
        self.interest = interest
        return 0

    cdef int unwatch(self) except -1:
        """Hear nothing any more, not even of errors."""
        if not self.is_registered:
            return 0
        self.is_registered = False
        if self.poller.epoll_fd >= 0:
            epoll_ctl(self.poller.epoll_fd, EPOLL_CTL_DEL, self.fd, NULL)
        return 0

    cdef int close_descriptor(self) except -1:
        if self.fd >= 0:
            self.unwatch()
            if self.next is not None:
                self.poller.bury(self)
            close_fd(self.fd)
            self.fd = -1
        return 0

    cdef int ready(self, uint32_t events) except -1:
        raise NotImplementedError

    cdef int settle(self) except -1:
        """Do what was put off to the end of the batch."""
        return 0

    cdef int fail(self, error) except -1:
        """An exception came out of ready() or settle()."""
        raise error

    cdef int interrupt(self) except -1:
        """A KeyboardInterrupt, or SystemExit, came out of ready() or settle(), and goes on."""
        return 0

    cdef int discard(self) except -1:
        """The poller is closed: let go without a word."""
        self.close_descriptor()
        return 0

    cdef object owner(self):
        """Give the object that it is for, if there is one."""
        return None

    def __dealloc__(self):
        if self.fd >= 0:
            close_fd(self.fd)


cdef class Signal(Pollable):
    """An eventfd: another thread has something to be called."""

    def __cinit__(self):
        self.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        if self.fd < 0:
            raise OSError(errno, os.strerror(errno))

    cdef int ready(self, uint32_t events) except -1:
        cdef uint64_t count
        read(self.fd, &count, sizeof(count))
        calls = self.poller.calls
        try:
            while calls:
                calls.popleft()()
        finally:
            if calls:
                self.wake()
        return 0

    cdef int fail(self, error) except -1:
        context = {"message": "a call from another thread failed", "exception": error}
        self.poller.loop.call_exception_handler(context)
        return 0

    cdef int wake(self) except -1:
        cdef uint64_t one = 1
        write(self.fd, &one, sizeof(one))
        return 0


cdef class Call(Pollable):
    """Something to be called at the end of the batch; it has no descriptor."""
    cdef object callback

    cdef int settle(self) except -1:
        self.callback()
        return 0

    cdef int fail(self, error) except -1:
        context = {"message": "a call at the end of a batch failed", "exception": error}
        self.poller.loop.call_exception_handler(context)
        return 0


cdef class Poller:
    def __cinit__(self, loop):
        self.epoll_fd = -1
        self.loop = loop
        self.settling = deque()
        self.graves = []
        self.calls = deque()
        self.found = <epoll_event*>calloc(BATCH_EVENTS, sizeof(epoll_event))
        self.received = <uint8_t*>malloc(BUFFER_BYTES)
        self.corked = <uint8_t*>malloc(BUFFER_BYTES)
        if self.found == NULL or self.received == NULL or self.corked == NULL:
            raise MemoryError
        self.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll_fd < 0:
            raise OSError(errno, os.strerror(errno))
        self.ring = Pollable.__new__(Pollable)
        self.ring.next = self.ring.previous = self.ring
        self.now = tl_monotonic()
        # nest_asyncio's mark. What runs in a batch cannot run the loop again: the context of our
        # reader is entered already, and the buffers are in use.
        self.is_nestable = getattr(loop, "_nest_patched", False)
        self.has_plain_steps = self.is_nestable or loop.get_debug()
        try:
            self.begin()
        except BaseException:
            self.let_go_of_all()
            raise
        pollers.add(self)

    cdef int begin(self) except -1:
        self.signal = Signal()
        self.signal.poller = self
        self.signal.watch(EPOLLIN)
        self.loop.add_reader(self.epoll_fd, self.process)
        return 0

    def __dealloc__(self):
        # Where the arguments were wrong, nothing has been set, and 0 is somebody else's.
        if self.received != NULL and self.epoll_fd >= 0:
            close_fd(self.epoll_fd)
        free(self.found)
        free(self.received)
        free(self.records)
        tl_backlog_free(&self.sealed)
        free(self.corked)

    # For other threads, and for the end

    def call_from_thread(self, callback):
        """Call `callback` soon on the loop's thread; for any thread."""
        self.calls.append(callback)
        (<Signal>self.signal).wake()

    def call_soon(self, callback):
        """Call `callback` at the end of the batch, or of this round of the loop."""
        cdef Call call = Call.__new__(Call)
        call.poller = self
        call.callback = callback
        self.settle_soon(call)

    def close(self):
        """Let go of everything; what is still registered is told nothing."""
        if self.epoll_fd < 0:
            return
        # Before the descriptor is closed: a selector would keep its number.
        if not self.loop.is_closed():
            self.loop.remove_reader(self.epoll_fd)
        self.close_set()
        self.let_go_of_all()
        if not self.is_busy:
            self.graves = []

    cdef int let_go_of_all(self) except -1:
        """Leave nothing in a circle."""
        cdef Pollable pollable
        while self.ring.next is not self.ring:
            pollable = self.ring.next
            pollable.discard()
            if pollable.next is not None:
                self.bury(pollable)
        self.ring.next = self.ring.previous = None
        if self.signal is not None:
            self.signal.poller = None
        # What waits for a call of the loop is told, unless there is no loop any more.
        while self.loop.is_closed() and self.settling:
            pollable = self.settling.popleft()
            pollable.discard()
        return 0

    cdef int close_set(self) except -1:
        """Close the set, and leave what is in it alone."""
        if self.epoll_fd >= 0:
            close_fd(self.epoll_fd)
            self.epoll_fd = -1
        return 0

    def leave_to_parent(self):
        """In a child: let go of everything, which the parent goes on with.

        Nobody would be told of anything here, but could send, and end what is the parent's; and
        no peer would hear of the end of what the parent has closed.
        """
        cdef Pollable pollable
        self.close_set()
        while self.ring.next is not None and self.ring.next is not self.ring:
            pollable = self.ring.next
            pollable.interrupt()  # streams are lost, should this loop go on
            if pollable.fd >= 0:
                pollable.discard()
            if pollable.next is not None:
                self.bury(pollable)

    def tune_busy_poll(self, double seconds):
        """Wait up to `seconds` for more before the loop goes to sleep."""
        self.busy_poll = self.patience = seconds
        self.waiting = getattr(self.loop, "_ready", None)

    def __len__(self):
        cdef Pollable pollable = self.ring.next
        cdef Py_ssize_t count = 0
        while pollable is not None and pollable is not self.ring:
            count += pollable.is_registered
            pollable = pollable.next
        return max(count - 1, 0)  # without the signal

    @property
    def is_idle(self):
        """Whether the loop watches the set, and nothing is in it but its own signal."""
        return self.epoll_fd >= 0 and len(self) == 0

    def owners(self):
        """Give the objects that streams are for, also of those whose loss is yet to be told.

        Nothing may be opened or closed meanwhile.
        """
        cdef Pollable pollable = self.ring.next
        while pollable is not None and pollable is not self.ring:
            owner = pollable.owner()
            if owner is not None:
                yield owner
            pollable = pollable.next
        for pollable in self.settling:
            owner = pollable.owner() if pollable.fd < 0 else None
            if owner is not None:
                yield owner

    # Called by pollables

    cdef uint8_t* room_for_records(self) except NULL:
        """Give room for BUFFER_BYTES, which the next one who asks uses too."""
        if self.records == NULL:
            self.records = <uint8_t*>malloc(BUFFER_BYTES)
            if self.records == NULL:
                raise MemoryError
        return self.records

    cdef int register(self, Pollable pollable, uint32_t interest) except -1:
        cdef epoll_event event
        event.events = interest
        event.data.ptr = <void*>pollable
        if epoll_ctl(self.epoll_fd, EPOLL_CTL_ADD, pollable.fd, &event) < 0:
            raise OSError(errno, os.strerror(errno))
        pollable.interest = interest
        pollable.is_registered = True
        return self.link(pollable)

    cdef int link(self, Pollable pollable) except -1:
        """Hold on to `pollable` until its descriptor is closed."""
        if pollable.next is not None:
            return 0
        pollable.previous = self.ring.previous
        pollable.next = self.ring
        self.ring.previous.next = pollable
        self.ring.previous = pollable
        return 0

    cdef int bury(self, Pollable pollable) except -1:
        """Take `pollable` out of the ring, and keep it while `found` may name it."""
        if self.is_busy:
            self.graves.append(pollable)
        pollable.previous.next = pollable.next
        pollable.next.previous = pollable.previous
        pollable.previous = pollable.next = None
        return 0

    cdef int settle_soon(self, Pollable pollable) except -1:
        """Call settle() at the end of the batch, or of this round of the loop."""
        if pollable.is_settling:
            return 0
        self.settling.append(pollable)
        pollable.is_settling = True
        return 0 if self.is_busy else self.call_settle_now()

    cdef int call_settle_now(self) except -1:
        if self.is_called_soon:
            return 0
        try:
            self.loop.call_soon(self.settle_now)
            self.is_called_soon = True
        except (MemoryError, RuntimeError):
            # No memory for a call, or the loop is closed. A batch settles too, if one comes.
            (<Signal>self.signal).wake()
        return 0

    # Called by the loop

    def settle_now(self):
        """Settle what was put off outside of a batch."""
        self.is_called_soon = False
        if not self.is_busy:
            self.run_batch(0)

    def process(self):
        """Handle what is ready."""
        cdef int count
        # A handler may run the loop again; its events wait for this batch to end.
        if self.is_busy or self.epoll_fd < 0:
            return
        self.has_plain_steps = self.is_nestable or self.loop.get_debug()
        count = epoll_wait(self.epoll_fd, self.found, BATCH_EVENTS, 0)
        if count <= 0:
            return
        self.run_batch(count)
        if self.busy_poll:
            if self.now - self.quiet_since <= self.busy_poll:
                # The loop slept, but not long: waiting would have met it.
                self.patience = self.busy_poll
            self.quiet_since = tl_monotonic()
            self.stay()

    cdef int run_batch(self, int count) except -1:
        self.now = tl_monotonic()
        self.is_busy = True
        self.handled = 0
        try:
            while self.handled < count:
                self.handle_up_to(count)
            if self.settling:
                self.settle_all()
        finally:
            # What a KeyboardInterrupt has left over, epoll reports again.
            self.is_busy = False
            if self.graves:
                self.graves.clear()
            if self.settling:
                self.call_settle_now()
        return 0

    cdef int handle_up_to(self, int count) except -1:
        """Handle what was found; return early where that fails, when the one it was about knows."""
        cdef:
            Pollable pollable = None
            epoll_event* event
        try:
            while self.handled < count:
                event = &self.found[self.handled]
                self.handled += 1
                pollable = <Pollable>event.data.ptr
                if pollable.is_registered:
                    pollable.ready(event.events)
        except (KeyboardInterrupt, SystemExit):
            pollable.interrupt()
            raise
        except BaseException as error:  # CancelledError too: nobody waits for it here
            pollable.fail(error)
        return 0

    cdef int settle_all(self) except -1:
        cdef Pollable pollable
        while self.settling:
            pollable = self.settling.popleft()
            pollable.is_settling = False
            try:
                pollable.settle()
            except (KeyboardInterrupt, SystemExit):
                pollable.interrupt()
                raise
            except BaseException as error:
                pollable.fail(error)
        return 0

    cdef int stay(self) except -1:
        """Handle what comes within a moment, and what comes then, before the loop may sleep."""
        cdef double leave_at = tl_monotonic() + LONGEST_STAY
        cdef int count = 1
        while count > 0 and self.epoll_fd >= 0:
            # Tasks that were woken go first, where the loop lets us see them.
            count = TIME_IS_UP if self.waiting else self.wait_busily(leave_at)
            if count > 0:
                self.patience = self.busy_poll
                self.run_batch(count)
                self.quiet_since = tl_monotonic()
            elif count == TIME_IS_UP and not self.is_coming_back:
                # Others have their turn; going to sleep would cost more than a message.
                self.loop.call_soon(self.come_back)
                self.is_coming_back = True
        return 0

    def come_back(self):
        """Go on waiting, behind what else the loop had to do."""
        self.is_coming_back = False
        if not self.is_busy and self.epoll_fd >= 0:
            self.stay()

    cdef int wait_busily(self, double leave_at) except? -1:
        """Look again and again for a while: adaptive, so that silence costs little."""
        cdef double now = tl_monotonic(), until = self.quiet_since + self.patience
        cdef int count
        while now < until:
            if now >= leave_at:
                return TIME_IS_UP
            count = epoll_wait(self.epoll_fd, self.found, BATCH_EVENTS, 0)
            if count > 0:
                return count
            now = tl_monotonic()
        # Nothing came: look for a shorter time the next time.
        self.patience = max(self.patience / 2, self.busy_poll / SHORTEST_SPINS)
        return 0


def forget_descriptors():
    """In a child: leave everything to the parent."""
    for poller in list(pollers):
        poller.leave_to_parent()


os.register_at_fork(after_in_child=forget_descriptors)
