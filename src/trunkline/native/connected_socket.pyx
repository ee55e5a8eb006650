# No twin: asyncio's transports do this for the asyncio engine.
# Owns the descriptor. Runs on the loop's thread.
"""A connected socket, and what is known of it."""

import socket
from asyncio.trsock import TransportSocket

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport errno
from libc.stdint cimport uint8_t

from trunkline.native.poller cimport BUFFER_BYTES, Pollable
from trunkline.native.sockets cimport (
    EAGAIN,
    EINTR,
    EPOLLIN,
    SHUT_WR,
    recv,
    shutdown,
    tl_peername,
    tl_sockname,
)

from trunkline.limits import LINGER
from trunkline.native.addresses import parse_address

cdef enum:
    ADDRESS_BYTES = 128


cdef class ConnectedSocket(Pollable):
    cdef int close_descriptor(self) except -1:
        if self.fd >= 0:
            self.remember_addresses()
            if self.socket is not None:
                self.socket._sock.detach()
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
        return Pollable.close_descriptor(self)

    def __del__(self):
        # Dropped without an end: the descriptor is closed once, and not by the socket's object.
        if self.socket is not None:
            self.socket._sock.detach()

    cdef int linger(self, give_up) except -1:
        """End writing, and wait until the peer ends.

        Bytes that nobody reads would make it a reset, which overtakes what is under way.
        """
        self.is_lingering = True
        shutdown(self.fd, SHUT_WR)
        self.deadline = self.poller.loop.call_later(LINGER, give_up)
        return self.watch(EPOLLIN)

    cdef bint has_peer_ended(self) noexcept:
        """Drop what has arrived; say whether that was the last."""
        cdef ssize_t count = recv(self.fd, self.poller.received, BUFFER_BYTES, 0)
        return count == 0 or count < 0 and errno != EAGAIN and errno != EINTR

    cdef int remember_addresses(self) except -1:
        """Ask while there is an answer: a socket that was reset or closed has no names."""
        if self.addresses is None:
            self.addresses = name_of(self.fd, False), name_of(self.fd, True)
        return 0

    cdef object get_socket_info(self, name):
        """Give `sockname`, `peername` or `socket`."""
        if name == "socket":
            return self.open_socket()
        is_peer = name == "peername"
        is_known = self.addresses is not None
        return parse_address(self.addresses[is_peer] if is_known else name_of(self.fd, is_peer))

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
