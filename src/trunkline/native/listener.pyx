# No twin: asyncio.Server does this for the asyncio engine.
# Owns one listening socket. Runs on the loop's thread.
"""A socket that accepts connections, many at a time."""

import errno as codes
import os

from libc.errno cimport errno
from libc.stdint cimport uint32_t

from trunkline.native.poller cimport Pollable, Poller
from trunkline.native.sockets cimport (
    EMFILE,
    ENFILE,
    ENOBUFS,
    ENOMEM,
    EPOLLIN,
    close_fd,
    tl_accept,
)

cdef enum:
    # Connections accepted at once, so that a storm of them does not stop the others.
    BATCH = 64


cdef class Acceptor:
    cdef int accept(self, Poller poller, int fd) except -1:
        """Take over a connected, non-blocking socket."""
        raise NotImplementedError


cdef class ListeningSocket(Pollable):
    """A listening socket in the poller.

    Args:
        poller: of the running loop.
        fd: bound and listening, non-blocking; owned from now on.
        accepted: called with the descriptor of each connection, which it then owns; or an
            `Acceptor`.
        retry: called when no descriptor is free; accepting stops until `resume()`.
    """

    def __cinit__(self, Poller poller not None, int fd, accepted, retry):
        self.poller = poller
        self.fd = fd
        self.accepted = accepted
        self.retry = retry

    def resume(self):
        """Accept, from now on or again."""
        if self.fd >= 0:
            self.watch(EPOLLIN)

    def close(self):
        """Accept no more."""
        self.close_descriptor()

    cdef int ready(self, uint32_t events) except -1:
        cdef int fd
        for _ in range(BATCH):
            if self.fd < 0:
                break
            fd = tl_accept(self.fd)
            if fd < 0:
                return self.refuse_or_raise(errno)
            self.hand_over(fd)
        return 0

    cdef int hand_over(self, int fd) except -1:
        if isinstance(self.accepted, Acceptor):
            return (<Acceptor>self.accepted).accept(self.poller, fd)
        try:
            number = fd
        except MemoryError:
            close_fd(fd)
            raise
        self.accepted(number)
        return 0

    cdef int refuse_or_raise(self, int code) except -1:
        """Judge why there is no connection: most reasons concern that one only."""
        if code == EMFILE or code == ENFILE or code == ENOBUFS or code == ENOMEM:
            # Level-triggered: it would ask again at once, and for ever.
            self.unwatch()
            try:
                self.retry(OSError(code, os.strerror(code)))
            except Exception:
                # Nobody else will begin again.
                self.resume()
                raise
        elif code == codes.EBADF or code == codes.EINVAL:
            self.close_descriptor()
        return 0

    cdef int fail(self, error) except -1:
        context = {"message": "accepting a connection failed", "exception": error}
        self.poller.loop.call_exception_handler(context)
        return 0
