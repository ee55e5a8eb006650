from trunkline.native.poller cimport Pollable


cdef class ConnectedSocket(Pollable):
    """A connected socket, and what can be asked of it, also once it is closed."""
    cdef tuple addresses  # sockname and peername as the kernel gives them, once remembered
    cdef object socket  # for the user, once asked for; the descriptor is not its own
    cdef bint is_lingering  # everything was said; the peer's end is waited for
    cdef object deadline  # asyncio.TimerHandle, while lingering

    cdef int linger(self, give_up) except -1
    cdef bint has_peer_ended(self) noexcept
    cdef int remember_addresses(self) except -1
    cdef object get_socket_info(self, name)
