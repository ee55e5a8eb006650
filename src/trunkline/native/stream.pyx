# No twin: asyncio's transports do this for the asyncio engine.
# Owns nothing beyond its connected socket.
# Runs on the loop's thread.
"""One socket: bytes in, as they come; bytes out, in order, gathered."""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.errno cimport errno
from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t
from libc.string cimport memcpy

from trunkline.native.backlog cimport tl_backlog_free
from trunkline.native.connected_socket cimport ConnectedSocket
from trunkline.native.layer cimport ENDED, FAILED, LATER
from trunkline.native.messages cimport at_most
from trunkline.native.poller cimport BUFFER_BYTES, Poller
from trunkline.native.sink cimport Sink, nobody, receiver_of, sink_for
from trunkline.native.sockets cimport (
    EAGAIN,
    EINTR,
    EPOLLERR,
    EPOLLHUP,
    EPOLLIN,
    EPOLLOUT,
    SHUT_WR,
    recv,
    shutdown,
    tl_limit_unsent,
    tl_monotonic,
)

from trunkline.limits import LOW_WATER_DIVISOR

cdef enum:
    # Above it, copying into the cork costs more than a system call of its own.
    CORKED_BYTES = 32768
    LARGEST_READ_BYTES = 1048576

cdef uint32_t low_water_divisor = LOW_WATER_DIVISOR


@cython.no_gc
cdef class Stream(ConnectedSocket):
    """A connected socket; implements `engines.engine.Stream`.

    Args:
        poller: of the running loop.
        fd: a connected, non-blocking socket; the stream owns it from now on.
        receiver: takes what happens.
        write_limit: high water in bytes.
    """

    def __cinit__(self, Poller poller not None, int fd, receiver, write_limit):
        self.write_limit = at_most(write_limit, UINT32_MAX)  # before `fd` is owned
        self.poller = poller
        self.fd = fd
        self.sink = sink_for(receiver)
        self.last_heard = tl_monotonic()
        self.remember_name(True)

    def open(self):
        """Begin to receive; raise `OSError` where the set has no room."""
        if self.fd < 0:
            return
        if self.is_reading_paused:
            self.poller.link(self)
        else:
            self.watch(EPOLLIN)

    @property
    def receiver(self):
        """Who is told of everything."""
        return receiver_of(self.sink)

    @receiver.setter
    def receiver(self, receiver):
        self.pour_into(sink_for(receiver))

    cdef int pour_into(self, Sink sink) except -1:
        """Tell `sink` of everything, until the loss."""
        self.sink = nobody if self.is_lost else sink
        return 0

    cdef object owner(self):
        return self.sink.owner()

    # Called by the poller

    cdef int ready(self, uint32_t events) except -1:
        if self.is_doomed:
            return self.lose(self.error())
        if self.is_lingering:
            return self.lose(self.error()) if self.has_peer_ended() else 0
        if events & EPOLLOUT:
            self.flush_backlog()
        if self.fd < 0 or not events & (EPOLLIN | EPOLLHUP | EPOLLERR):
            return 0
        if self.is_reading():
            return self.receive()
        if events & (EPOLLHUP | EPOLLERR):
            self.hang_up()
        return 0

    cdef int hang_up(self) except -1:
        """The line is dead, and nobody reads what it would tell."""
        self.flush_backlog()
        if self.is_closing:
            return self.lose(None)
        # Level-triggered: be silent until somebody looks.
        return self.unwatch()

    cdef int settle(self) except -1:
        """Send what was held back; tell of the loss of the stream."""
        if self.is_doomed:
            self.lose(self.error())
        if self.fd >= 0:
            self.is_corked = False
            self.flush()
        if self.layer is not None and self.is_reading() and self.layer.holds():
            self.receive()
        if self.fd < 0 and not self.is_lost:
            self.is_lost = True
            self.tell_loss()
        return 0

    cdef int tell_loss(self) except -1:
        """Tell of the end, and hold nobody who has heard of it."""
        cdef Sink sink = self.sink
        self.sink = nobody
        error = self.error()
        self.forget_error()
        try:
            return sink.lost(error)
        except MemoryError:
            return sink.lost(error)  # nobody else would tell of it, and some memory is back

    cdef int fail(self, error) except -1:
        """A receiver raised: this connection ends, and no other."""
        message = "a receiver of a stream failed"
        try:
            context = {"message": message, "exception": error, "transport": self}
            self.poller.loop.call_exception_handler(context)
        finally:
            self.lose(error)
        return 0

    cdef int interrupt(self) except -1:
        # What was read and not yet handled is lost: what follows it would be misread.
        return self.lose(None)

    cdef int discard(self) except -1:
        tl_backlog_free(&self.backlog)
        self.is_lost = True  # as far as others are concerned
        self.sink = nobody
        self.forget_error()
        return self.close_descriptor()

    # Reading

    cdef bint is_reading(self) noexcept:
        return self.fd >= 0 and not (self.is_reading_paused or self.has_ended or self.is_closing)

    cdef int receive(self) except -1:
        """Read the socket once, and have everything that is written meanwhile leave at once."""
        self.poller.current = self
        try:
            self.receive_once()
            # What a layer holds, epoll does not know of.
            while self.layer is not None and self.is_reading() and self.layer.holds():
                self.receive_once()
        finally:
            self.poller.current = None
            if self.poller.corked_size:
                self.flush_cork()
        return 0

    cdef int receive_once(self) except -1:
        cdef:
            uint8_t* target = self.poller.received
            Sink sink = self.sink
            size_t size = sink.wanted(&target)
            ssize_t count
        if size == 0:
            target, size = self.poller.received, BUFFER_BYTES
        count = self.take(target, min(size, <size_t>LARGEST_READ_BYTES))
        if count < 0:
            return 0
        if count == ENDED:
            return self.end_receiving()
        if target == self.poller.received:
            return self.deliver(count)
        self.last_heard = self.poller.now
        return sink.received(count)

    cdef ssize_t take(self, uint8_t* target, size_t size) except -3:
        """Receive: the number of bytes, ENDED, LATER, or FAILED once the stream is lost."""
        cdef ssize_t count
        if self.layer is not None:
            count = self.layer.recv(target, size)
            if count == FAILED:
                self.lose(self.layer.error)
            elif self.is_sealing():
                self.update_interest()
            return count
        count = recv(self.fd, target, size, 0)
        if count >= 0:
            return count
        if errno == EAGAIN or errno == EINTR:
            return LATER
        self.lose(OSError(errno, os.strerror(errno)))
        return FAILED

    cdef int deliver(self, ssize_t size) except -1:
        cdef uint8_t* data = self.poller.received
        self.last_heard = self.poller.now
        return self.sink.receive(data, size)

    cdef int end_receiving(self) except -1:
        self.has_ended = True
        self.sink.ended()
        if self.layer is not None:
            # As in asyncio: TLS ends in both directions at once.
            self.close()
        # Behind them: most have let go by now.
        return self.update_interest()

    cdef int update_interest(self) except -1:
        """Ask epoll for what matters now."""
        cdef uint32_t interest = 0
        if self.fd < 0:
            return 0
        if self.is_reading() or self.is_lingering:
            interest |= EPOLLIN
        if self.backlog != NULL or self.is_sealing():
            interest |= EPOLLOUT
        if interest or self.is_registered:
            self.watch_or_lose(interest)
        return 0

    cdef int watch_or_lose(self, uint32_t interest) except -1:
        """Ask epoll; where it refuses, nothing would ever be heard of this stream."""
        if self.is_registered and interest == self.interest:
            return 0
        try:
            self.watch(interest)
        except OSError as error:
            self.lose(error)
        return 0

    def pause_reading(self):
        """Let the peer wait: receive nothing until `resume_reading()`."""
        if not self.is_reading_paused:
            self.is_reading_paused = True
            self.update_interest()

    def resume_reading(self):
        """Receive again."""
        if self.is_reading_paused:
            self.is_reading_paused = False
            self.update_interest()
            if self.layer is not None:
                self.poller.settle_soon(self)

    # Writing

    @property
    def unsent(self):
        """Bytes that were written and have not left."""
        return self.count_unsent()

    @property
    def is_held_up(self):
        """Whether what was written waits for the peer, and not only for its turn."""
        return self.must_wait()

    @property
    def sent(self):
        """Bytes that have left, modulo 4 GiB; means nothing once the stream is lost."""
        # Modulo 4 GiB as well where records are longer than what is in them.
        return self.written - <uint32_t>self.count_unsent()

    def write(self, bytes data not None):
        """Send `data`, now or later; drop it once the stream is going.

        Raises:
            MemoryError: the stream is lost, too, because what follows `data` may depend on it.
        """
        try:
            self.put(<const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        except MemoryError as error:
            self.lose(error)
            raise

    def cork(self):
        """Hold back what is written until `uncork()`; while its event lasts it is corked anyway."""
        if not self.uses_cork():
            self.is_corked = True

    def uncork(self):
        """Send what was held back, in one piece."""
        self.is_corked = False
        if self.fd >= 0 and not self.uses_cork():
            self.flush()

    def gather(self):
        """Hold back what is written until the tasks that are running now have paused."""
        self.hold_back()

    def limit_unsent(self, int size):
        """Have the kernel take no more than so many bytes that it cannot send yet, if it can."""
        if self.fd >= 0:
            tl_limit_unsent(self.fd, size)

    def pause_early(self):
        """Be above high water already, if what was written waits for the peer."""
        self.is_writing_paused |= self.must_wait()

    cdef int hold_back(self) except -1:
        if self.fd >= 0 and not self.is_corked and not self.uses_cork():
            self.poller.settle_soon(self)
            self.is_corked = True
        return 0

    cdef int put(self, const uint8_t* data, size_t size) except -1:
        """Send `data`, borrowed for this call, now or later."""
        if size == 0 or not self.is_taking():
            return 0
        if size > CORKED_BYTES:
            return self.put_both(NULL, 0, data, size)
        memcpy(self.reserve(size), data, size)
        return self.commit(size)

    cdef int put_both(
        self, const uint8_t* head, size_t head_size, const uint8_t* data, size_t size
    ) except -1:
        """Send two pieces, of which the second is large, without copying what leaves now."""
        cdef ssize_t count = 0
        if not self.is_taking():
            return 0
        self.flush()
        if not self.is_taking():
            return 0
        self.written += head_size + size
        if self.backlog == NULL:
            count = self.send_both_now(head, head_size, data, size)
            if self.fd < 0:
                return 0
        if <size_t>count < head_size:
            self.append(head + count, head_size - count)
            count = head_size
        if <size_t>count - head_size < size:
            self.append(data + (count - head_size), size - (count - head_size))
        self.update_interest()
        return self.watch_water()

    cdef uint8_t* reserve(self, size_t size) except NULL:
        """Give room for `size` bytes, to be written to and committed."""
        if self.poller.current is not None and self.poller.current is not self or self.is_corked:
            return self.make_room(size)
        if self.backlog == NULL and self.poller.corked_size + size > BUFFER_BYTES:
            self.flush_cork()
        if self.backlog != NULL or size > BUFFER_BYTES:
            return self.make_room(size)
        return self.poller.corked + self.poller.corked_size

    cdef int commit(self, size_t size) except -1:
        """What was reserved has been written to: it leaves in its turn."""
        if self.uses_cork():
            return self.commit_corked(size)
        self.written += size
        if self.backlog == NULL:
            self.poller.corked_size += size
            self.flush_cork()
        else:
            self.backlog.size += size
            if self.is_corked or self.poller.is_busy:
                self.poller.settle_soon(self)
            elif not self.interest & EPOLLOUT:
                self.flush_backlog()
        return self.watch_water()

    cdef int watch_water(self) except -1:
        """Take note of high water, as soon as what could leave has left."""
        if self.count_unsent() <= self.write_limit or self.is_writing_paused:
            return 0
        self.flush()
        if self.count_unsent() > self.write_limit:
            self.is_writing_paused = True
        return 0

    cdef int flush(self) except -1:
        if self.poller.current is self:
            self.flush_cork()
        self.flush_backlog()  # who hears of low water there may write
        return self.flush_cork() if self.poller.current is self else 0

    cdef int flush_cork(self) except -1:
        """Send what stands in the cork, and keep what does not leave."""
        cdef size_t size = self.poller.corked_size, count
        self.poller.corked_size = 0
        if size == 0 or self.fd < 0:
            return 0
        count = self.send_now(self.poller.corked, size)
        if self.fd < 0:
            return 0
        if count < size:
            self.append(self.poller.corked + count, size - count)
        if count < size or self.is_sealing():
            self.update_interest()
            self.is_writing_paused |= self.count_unsent() > self.write_limit
        return 0

    cdef int flush_backlog(self) except -1:
        """Send what is unsent, as far as it goes."""
        cdef size_t count
        if self.fd < 0 or self.backlog == NULL and not self.is_sealing():
            return 0
        if self.layer is not None and self.layer.flush() == FAILED:
            return self.lose(self.layer.error)
        if self.backlog != NULL:
            count = self.send_now(self.backlog.bytes + self.backlog.start, self.backlog.size)
            if self.fd < 0:
                return 0
            self.backlog.start += count
            self.backlog.size -= count
            if self.backlog.size == 0:
                tl_backlog_free(&self.backlog)
        self.update_interest()
        if self.backlog == NULL:
            self.finish()
        if self.is_writing_paused and self.fd >= 0:
            if self.count_unsent() <= self.write_limit // low_water_divisor:
                self.is_writing_paused = False
                self.sink.resumed()
        return 0

    # Closing

    def end_writing(self):
        """Tell the peer, after what is unsent, that nothing more will come; go on reading."""
        if self.is_taking():
            self.flush()
            self.is_ending_writing = True
            self.finish()

    def close(self):
        """Send what is unsent, then let go."""
        if self.fd >= 0 and not self.is_closing:
            self.flush()
            self.is_closing = True
            self.finish()
            self.update_interest()

    def abort(self):
        """Let go at once."""
        if self.fd >= 0:
            self.lose(None)

    cdef int finish(self) except -1:
        """When everything has left, do what was to follow."""
        if self.fd < 0 or self.is_lingering or self.count_unsent():
            return 0
        if self.layer is not None and (self.is_closing or self.is_ending_writing):
            self.layer.end()
            if self.is_sealing():
                return self.update_interest()
            if self.is_closing and not self.has_ended:
                return self.linger(self.abort)
        if self.is_closing:
            self.lose(self.error())
        elif self.is_ending_writing:
            shutdown(self.fd, SHUT_WR)
        return 0

    cdef int lose(self, error) except -1:
        """Let go of the socket; the receiver is told when nobody is in its way."""
        if self.fd < 0:
            return 0
        # Where memory is short, nothing goes in or out, and the next event comes back here.
        self.is_doomed = self.is_closing = True
        self.keep_error(error)
        self.poller.settle_soon(self)
        self.close_descriptor()
        tl_backlog_free(&self.backlog)
        if self.poller.current is self:
            self.poller.corked_size = 0
        return 0

    # What is known

    def get_extra_info(self, name):
        """Give `sockname`, `peername` or `socket`, what TLS knows, or `None`."""
        if name in ("sockname", "peername", "socket"):
            return self.get_socket_info(name)
        return None if self.layer is None else self.layer.get_extra_info(name)
