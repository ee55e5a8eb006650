from trunkline.native.poller cimport Pollable


cdef class ListeningSocket(Pollable):
    cdef object accepted  # called with the descriptor of each connection
    cdef object retry  # called when descriptors are short

    cdef int hand_over(self, int fd) except -1
    cdef int refuse_or_raise(self, int code) except -1
