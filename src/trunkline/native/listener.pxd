from trunkline.native.poller cimport Pollable, Poller


cdef class Acceptor:
    """Takes connections without an object for their descriptors."""

    cdef int accept(self, Poller poller, int fd) except -1

cdef class ListeningSocket(Pollable):
    cdef object accepted  # called with the descriptor of each connection, or an Acceptor
    cdef object retry  # called when descriptors are short

    cdef int hand_over(self, int fd) except -1
    cdef int refuse_or_raise(self, int code) except -1
