# No twin: asyncio's transports do this for the asyncio engine.
# Owns the descriptor, and what is unsent. Runs on the loop's thread.
"""A connected socket, and what is known of it."""

import os
import socket
from asyncio.trsock import TransportSocket

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport errno
from libc.stdint cimport uint8_t
from libc.string cimport memcmp, memcpy

from trunkline.native.backlog cimport tl_backlog_free, tl_backlog_reserve
from trunkline.native.layer cimport FAILED
from trunkline.native.poller cimport BUFFER_BYTES, Pollable
from trunkline.native.sockets cimport (
    EAGAIN,
    EINTR,
    EPOLLIN,
    SHUT_WR,
    recv,
    shutdown,
    tl_is_ipv4,
    tl_peername,
    tl_send,
    tl_send_both,
    tl_sockname,
    tl_write_ipv4_family,
)

from trunkline.limits import LINGER
from trunkline.native.addresses import parse_address

cdef enum:
    ADDRESS_BYTES = 128
    FAMILY_BYTES = 2

cdef uint8_t[IPV4_BYTES] nobody


cdef class Particulars:
    pass


@cython.no_gc
cdef class ConnectedSocket(Pollable):
    def __dealloc__(self):
        tl_backlog_free(&self.backlog)

    cdef int close_descriptor(self) except -1:
        if self.fd >= 0:
            self.remember_name(False)
            self.detach_socket()
        if self.particulars is not None and self.particulars.deadline is not None:
            self.particulars.deadline.cancel()
            self.particulars.deadline = None
        return Pollable.close_descriptor(self)

    def __del__(self):
        # Dropped without an end: the descriptor is closed once, and not by the socket's object.
        self.detach_socket()

    cdef int detach_socket(self) except -1:
        if self.particulars is not None and self.particulars.socket is not None:
            self.particulars.socket._sock.detach()
        return 0

    cdef Particulars own_particulars(self):
        if self.particulars is None:
            self.particulars = Particulars.__new__(Particulars)
        return self.particulars

    cdef object error(self):
        """Give what the stream was lost with."""
        return None if self.particulars is None else self.particulars.error

    cdef int forget_error(self) except -1:
        """Everybody has heard of it: its traceback leads back to this stream."""
        if self.particulars is not None:
            self.particulars.error = None
        if self.layer is not None:
            self.layer.error = None
        return 0

    cdef int keep_error(self, error) except -1:
        if error is not None:
            try:
                self.own_particulars().error = error
            except MemoryError:
                pass  # the end is told without its cause
        return 0

    cdef int linger(self, give_up) except -1:
        """End writing, and wait until the peer ends.

        Bytes that nobody reads would make it a reset, which overtakes what is under way.
        """
        self.is_lingering = True
        shutdown(self.fd, SHUT_WR)
        self.own_particulars().deadline = self.poller.loop.call_later(LINGER, give_up)
        return self.watch(EPOLLIN)

    cdef bint has_peer_ended(self) noexcept:
        """Drop what has arrived; say whether that was the last."""
        cdef ssize_t count = recv(self.fd, self.poller.received, BUFFER_BYTES, 0)
        return count == 0 or count < 0 and errno != EAGAIN and errno != EINTR

    cdef int remember_name(self, bint is_peer) except -1:
        """Ask while there is an answer: closed sockets have no names, and lost ones no peer's."""
        cdef:
            Particulars particulars
            uint8_t name[ADDRESS_BYTES]
            int size = (tl_peername if is_peer else tl_sockname)(self.fd, name, ADDRESS_BYTES)
        if tl_is_ipv4(name, size):
            memcpy(&self.peer[0] if is_peer else &self.own[0], name + FAMILY_BYTES, IPV4_BYTES)
        elif size > 0:
            try:
                particulars = self.own_particulars()
                if is_peer:
                    particulars.peer_name = PyBytes_FromStringAndSize(<char*>name, size)
                else:
                    particulars.own_name = PyBytes_FromStringAndSize(<char*>name, size)
            except MemoryError:
                pass  # nothing depends on it, and much on what comes behind this
        return 0

    cdef bytes name_of(self, bint is_peer):
        """Give the name of the socket, or of its peer, as the kernel does; None: it has none."""
        cdef:
            Particulars particulars = self.particulars
            uint8_t* known = &self.peer[0] if is_peer else &self.own[0]
            uint8_t name[FAMILY_BYTES + IPV4_BYTES]
        if memcmp(known, nobody, IPV4_BYTES) != 0:
            tl_write_ipv4_family(name)
            memcpy(name + FAMILY_BYTES, known, IPV4_BYTES)
            return PyBytes_FromStringAndSize(<char*>name, FAMILY_BYTES + IPV4_BYTES)
        if particulars is None:
            return None
        return particulars.peer_name if is_peer else particulars.own_name

    cdef object get_socket_info(self, name):
        """Give `sockname`, `peername` or `socket`."""
        if name == "socket":
            return self.open_socket()
        is_peer = name == "peername"
        if not is_peer and self.fd >= 0:
            self.remember_name(False)
        return parse_address(self.name_of(is_peer))

    def open_socket(self):
        """Give the socket as an object, which does not own it."""
        cdef Particulars particulars = self.own_particulars()
        if particulars.socket is None and self.fd >= 0:
            sock = socket.socket(fileno=self.fd)
            try:
                particulars.socket = TransportSocket(sock)
            except MemoryError:
                sock.detach()
                raise
        return particulars.socket

    # Sending

    cdef bint is_sealing(self) noexcept:
        """Whether the layer has taken something that has not left."""
        return self.layer is not None and self.layer.unsent() > 0

    cdef size_t send_now(self, const uint8_t* data, size_t size) except? 0xFFFFFFFF:
        """Send until the kernel takes no more; say how much has left."""
        cdef:
            size_t total = 0
            ssize_t count
        if self.layer is not None:
            return self.seal_now(data, size)
        while total < size:
            count = tl_send(self.fd, data + total, size - total)
            if count >= 0:
                total += count
            elif errno == EAGAIN:
                break
            elif errno != EINTR:
                self.lose(OSError(errno, os.strerror(errno)))
                break
        return total

    cdef size_t seal_now(self, const uint8_t* data, size_t size) except? 0xFFFFFFFF:
        """Have the layer send, until it takes no more."""
        cdef:
            size_t total = 0
            ssize_t count
        while total < size:
            try:
                count = self.layer.send(data + total, size - total)
            except MemoryError as error:
                self.lose(error)
                raise
            if count == FAILED:
                self.lose(self.layer.error)
            if count < 0:
                break
            total += count
        return total

    cdef size_t send_both_now(
        self, const uint8_t* head, size_t head_size, const uint8_t* data, size_t size
    ) except? 0xFFFFFFFF:
        """Send two pieces as far as it goes at once; say how much has left."""
        cdef ssize_t count
        if self.layer is None:
            count = tl_send_both(self.fd, head, head_size, data, size)
            if count < 0 and errno != EAGAIN and errno != EINTR:
                self.lose(OSError(errno, os.strerror(errno)))
            return max(count, 0)
        count = self.seal_now(head, head_size)
        if <size_t>count < head_size or self.fd < 0:
            return count
        return count + self.seal_now(data, size)

    cdef int append(self, const uint8_t* data, size_t size) except -1:
        """Keep what follows bytes that have left; where that fails, nothing may follow them."""
        cdef uint8_t* end = tl_backlog_reserve(&self.backlog, size)
        if end == NULL:
            self.lose(MemoryError())
            raise MemoryError
        memcpy(end, data, size)
        self.backlog.size += size
        return 0

    cdef uint8_t* make_room(self, size_t size) except NULL:
        """Give the end of the backlog, with room for `size` bytes."""
        cdef uint8_t* end = tl_backlog_reserve(&self.backlog, size)
        if end == NULL:
            raise MemoryError
        return end

    cdef int lose(self, error) except -1:
        """Let go of the socket; see Stream."""
        raise NotImplementedError
