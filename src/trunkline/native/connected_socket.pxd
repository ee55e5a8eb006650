cimport cython
from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.backlog cimport tl_backlog
from trunkline.native.flag cimport flag
from trunkline.native.layer cimport Layer
from trunkline.native.poller cimport Pollable


cdef enum:
    IPV4_BYTES = 6


cdef class Particulars:
    """What few ask for, and what is known at the end only."""
    cdef bytes peer_name  # as the kernel gives it, where it is no IPv4
    cdef bytes own_name
    cdef object socket  # for the user, once asked for; the descriptor is not its own
    cdef object deadline  # asyncio.TimerHandle, while lingering
    cdef object error  # what the stream was lost with


@cython.no_gc
cdef class ConnectedSocket(Pollable):
    """A connected socket, and what can be asked of it, also once it is closed."""
    cdef Particulars particulars  # None until there are any
    cdef Layer layer  # None for a plain stream
    cdef tl_backlog* backlog  # owned; only while something is unsent
    cdef uint32_t write_limit  # bytes: high water

    # Port and host of IPv4, as in sockaddr_in; zeros where they are not known, or other ones
    cdef uint8_t[IPV4_BYTES] peer
    cdef uint8_t[IPV4_BYTES] own

    # How far it is from its end
    cdef flag is_ending_writing  # no more is written; the end follows the backlog
    cdef flag is_closing  # the descriptor is closed behind the backlog
    cdef flag is_lingering  # everything was said; the peer's end is waited for
    cdef flag is_doomed  # lose() was called

    cdef Particulars own_particulars(self)
    cdef int detach_socket(self) except -1
    cdef object error(self)
    cdef int keep_error(self, error) except -1
    cdef int forget_error(self) except -1
    cdef int linger(self, give_up) except -1
    cdef bint has_peer_ended(self) noexcept
    cdef int remember_name(self, bint is_peer) except -1
    cdef bytes name_of(self, bint is_peer)
    cdef object get_socket_info(self, name)

    # Sending
    cdef size_t send_now(self, const uint8_t* data, size_t size) except? 0xFFFFFFFF
    cdef size_t seal_now(self, const uint8_t* data, size_t size) except? 0xFFFFFFFF
    cdef size_t send_both_now(
        self, const uint8_t* head, size_t head_size, const uint8_t* data, size_t size
    ) except? 0xFFFFFFFF
    cdef bint is_sealing(self) noexcept
    cdef int append(self, const uint8_t* data, size_t size) except -1
    cdef uint8_t* make_room(self, size_t size) except NULL
    cdef int lose(self, error) except -1  # for the subclass
