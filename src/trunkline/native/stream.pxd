cimport cython
from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.connected_socket cimport ConnectedSocket
from trunkline.native.flag cimport flag
from trunkline.native.poller cimport BUFFER_BYTES
from trunkline.native.sink cimport Sink
from trunkline.native.sockets cimport EPOLLOUT


@cython.final
@cython.no_gc
cdef class Stream(ConnectedSocket):
    cdef Sink sink  # is told of everything
    cdef public double last_heard  # seconds on the engine's clock

    # Writing
    cdef uint32_t written  # bytes, since the beginning, modulo 4 GiB

    # State
    cdef readonly flag is_writing_paused
    cdef readonly flag has_ended
    cdef readonly flag is_lost
    cdef readonly flag is_reading_paused

    cdef int update_interest(self) except -1
    cdef int pour_into(self, Sink sink) except -1
    cdef int tell_loss(self) except -1
    cdef int watch_or_lose(self, uint32_t interest) except -1

    # Reading
    cdef int hang_up(self) except -1
    cdef bint is_reading(self) noexcept
    cdef int receive(self) except -1
    cdef int receive_once(self) except -1
    cdef ssize_t take(self, uint8_t* target, size_t size) except -3
    cdef int deliver(self, ssize_t size) except -1
    cdef int end_receiving(self) except -1

    # Writing
    cdef int put(self, const uint8_t* data, size_t size) except -1
    cdef int put_both(
        self, const uint8_t* head, size_t head_size, const uint8_t* data, size_t size
    ) except -1
    cdef uint8_t* reserve(self, size_t size) except NULL
    cdef int commit(self, size_t size) except -1
    cdef int hold_back(self) except -1
    cdef inline bint is_taking(self) noexcept:
        """Whether what is written is sent, not dropped."""
        return self.fd >= 0 and not (self.is_closing or self.is_ending_writing)

    cdef inline bint uses_cork(self) noexcept:
        """Whether what is written goes into the poller's cork: while this stream's event lasts."""
        return self.poller.current is self and self.backlog == NULL

    cdef inline uint8_t* room_in_cork(self, size_t size) noexcept:
        """Give where so much may be written straight into the poller's cork; NULL: not now."""
        if not self.uses_cork() or self.is_corked:
            return NULL
        if self.poller.corked_size + size > BUFFER_BYTES:
            return NULL
        return self.poller.corked + self.poller.corked_size

    cdef inline int commit_corked(self, size_t size) except -1:
        self.written += size
        self.poller.corked_size += size
        return self.watch_water() if self.poller.corked_size > self.write_limit else 0

    cdef int flush(self) except -1
    cdef int flush_cork(self) except -1
    cdef int flush_backlog(self) except -1
    cdef inline size_t count_unsent(self) noexcept:
        cdef size_t count = 0 if self.backlog == NULL else self.backlog.size
        if self.poller.current is self:
            count += self.poller.corked_size
        return count if self.layer is None else count + self.layer.unsent()

    cdef inline bint must_wait(self) noexcept:
        if self.is_writing_paused:
            return True
        return self.is_registered and self.interest & EPOLLOUT and self.count_unsent() > 0

    cdef int watch_water(self) except -1

    # Closing
    cdef int finish(self) except -1
