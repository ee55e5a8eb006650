# No twin: asyncio's transports do this for the asyncio engine.
# Owns the descriptor. Runs on the loop's thread.
"""A connected socket, and what is known of it."""

import socket
from asyncio.trsock import TransportSocket

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from trunkline.native.poller cimport Pollable
from trunkline.native.sockets cimport tl_peername, tl_sockname

from trunkline.native.addresses import parse_address

cdef enum:
    ADDRESS_BYTES = 128


cdef class ConnectedSocket(Pollable):
    cdef int close_descriptor(self) except -1:
        if self.fd >= 0:
            # A closed socket has no names.
            self.addresses = name_of(self.fd, False), name_of(self.fd, True)
            if self.socket is not None:
                self.socket._sock.detach()
        return Pollable.close_descriptor(self)

    cdef object get_socket_info(self, name):
        """Give `sockname`, `peername` or `socket`."""
        if name == "socket":
            return self.open_socket()
        is_peer = name == "peername"
        raw = self.addresses[is_peer] if self.fd < 0 else name_of(self.fd, is_peer)
        return parse_address(raw)

    def open_socket(self):
        """Give the socket as an object, which does not own it."""
        if self.socket is None and self.fd >= 0:
            self.socket = TransportSocket(socket.socket(fileno=self.fd))
        return self.socket


cdef bytes name_of(int fd, bint is_peer):
    """Ask the kernel for the name of a socket, or of its peer."""
    cdef:
        uint8_t name[ADDRESS_BYTES]
        int size = (tl_peername if is_peer else tl_sockname)(fd, name, ADDRESS_BYTES)
    return None if size < 0 else PyBytes_FromStringAndSize(<char*>name, size)
