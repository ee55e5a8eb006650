from trunkline.native.poller cimport Pollable


cdef class ConnectedSocket(Pollable):
    """A connected socket, and what can be asked of it, also once it is closed."""
    cdef tuple addresses  # sockname and peername as the kernel gives them, once closed
    cdef object socket  # for the user, once asked for; the descriptor is not its own

    cdef object get_socket_info(self, name)
