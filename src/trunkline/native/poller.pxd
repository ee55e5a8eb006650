cimport cython
from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.backlog cimport tl_backlog
from trunkline.native.flag cimport flag
from trunkline.native.sockets cimport epoll_event


cdef enum:
    # What one event may consume: many tiny frames of one peer must not hold up the others. Cork
    # and receive buffer have one size, so that the answers to one read fit into one write.
    BUFFER_BYTES = 65536


# The collector knows nothing of pollables, which saves 16 bytes each. So whoever lets go of one has
# to let go of what it refers to as well: see Stream.tell_loss(), discard() and Poller.close().
@cython.no_gc
cdef class Pollable:
    """Something with a descriptor; the poller holds a reference from when it is watched first."""
    cdef Poller poller
    cdef Pollable previous  # in the poller's ring, until the descriptor is closed
    cdef Pollable next
    cdef int fd  # owned; -1 when closed
    cdef uint8_t interest  # what epoll was asked for
    cdef flag is_registered  # with epoll
    cdef flag is_settling  # settle() is due
    cdef flag is_corked  # what is written is held back until then, or until uncork()

    cdef int watch(self, uint32_t interest) except -1
    cdef int unwatch(self) except -1
    cdef int close_descriptor(self) except -1

    # For subclasses
    cdef int ready(self, uint32_t events) except -1
    cdef int settle(self) except -1
    cdef int fail(self, error) except -1
    cdef int interrupt(self) except -1
    cdef int discard(self) except -1
    cdef object owner(self)


cdef class Poller:
    cdef readonly object loop
    cdef int epoll_fd  # owned
    cdef Pollable ring  # those with a descriptor are linked around it
    cdef Pollable current  # whose event is being handled
    cdef epoll_event* found  # owned
    cdef int handled  # of those found
    cdef uint8_t* received  # owned; what was read last, until the next event
    cdef uint8_t* records  # owned; what TLS has received last, once there is TLS
    cdef tl_backlog* sealed  # owned; room for what TLS sends next, once it has sent
    cdef object pipes  # tls.Pipes: what TLS connections share, once there is TLS
    cdef uint8_t* corked  # owned; what `current` has written
    cdef size_t corked_size
    cdef object settling  # deque: settle() is due at the end of the batch, or soon
    cdef list graves  # closed in this batch: `found` may still name them
    cdef readonly double now  # seconds, of this batch
    cdef readonly double busy_poll  # seconds that a batch may wait for the next one
    cdef readonly double patience  # seconds that it waits now
    cdef double quiet_since  # seconds: the end of the latest batch, where batches wait
    cdef object waiting  # deque: what the loop calls next; None where that cannot be seen
    cdef bint is_nestable  # a task may run the loop until something is done
    cdef readonly bint has_plain_steps  # tasks take every step outside of batches
    cdef bint is_busy  # in a batch
    cdef bint is_called_soon
    cdef bint is_coming_back  # to a stay
    cdef Pollable signal
    cdef object calls  # deque: of other threads
    cdef object __weakref__

    cdef uint8_t* room_for_records(self) except NULL
    cdef int settle_soon(self, Pollable pollable) except -1
    cdef int call_settle_now(self) except -1
    cdef int register(self, Pollable pollable, uint32_t interest) except -1
    cdef int link(self, Pollable pollable) except -1
    cdef int bury(self, Pollable pollable) except -1
    cdef int begin(self) except -1
    cdef int let_go_of_all(self) except -1
    cdef int close_set(self) except -1
    cdef int run_batch(self, int count) except -1
    cdef int handle_up_to(self, int count) except -1
    cdef int settle_all(self) except -1
    cdef int stay(self) except -1
    cdef int wait_busily(self, double leave_at) except? -1
