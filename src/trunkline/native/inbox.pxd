# The unread messages of one connection, and who waits for them.
cimport cython
from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.awaitable cimport Awaitable
from trunkline.native.endpoint cimport Endpoint
from trunkline.native.flag cimport flag
from trunkline.native.stream cimport Stream
from trunkline.native.wakeup cimport Wakeup


@cython.final
cdef class Inbox:
    cdef Stream stream
    cdef Endpoint endpoint

    # Messages: the first by itself, because there is seldom another
    cdef object first
    cdef list others  # behind it, once there was a second; those up to `taken` are gone
    cdef Py_ssize_t taken
    cdef Py_ssize_t count
    cdef Py_ssize_t size  # bytes, or characters of text

    # Limits
    cdef Py_ssize_t max_count
    cdef Py_ssize_t max_size  # as `size`

    # The reader
    cdef Wakeup reader  # who waits; None while nobody does
    cdef flag is_being_read
    cdef flag is_handling  # the reader has taken a message and not asked for the next
    cdef flag has_ended  # no more messages will come
    cdef flag has_ended_well  # and nobody complains

    # Whose inbox it is, is told where the policy of its link is asked for.
    cdef int put(self, object data) except -1
    cdef int arrived(self, object connection) except -1
    cdef int pause_when_full(self, object connection) except -1
    cdef int wake(self, bint directly) except -1
    cdef object take(self, object connection)
    cdef object take_other(self)
    cdef int begin_reading(self, object connection) except -1
    cdef bint is_below(self, Py_ssize_t divisor) noexcept


cdef enum Form:
    AS_SENT
    AS_TEXT
    AS_BYTES
    ITERATED  # as sent, and the end of the connection ends the iteration


cdef class Receive(Awaitable):
    cdef Inbox inbox  # None: messages go to Events
    cdef object connection
    cdef uint8_t form

    cdef object finish(self)
    cdef int let_go(self) except -1
    cdef int stop(self) except -1
    cdef object end(self)


cdef Receive new_receive(Inbox inbox, object connection, Form form)
