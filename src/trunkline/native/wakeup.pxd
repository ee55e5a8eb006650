# What a task waits on: the part of a future that tasks use.
from libc.stdint cimport uint8_t


cdef class Wakeup:
    cdef object loop
    cdef object callback  # of the task that waits; or a list, where others wait as well
    cdef object context  # that the callback runs in; None with a list of pairs of both
    cdef object message  # of the cancellation
    cdef uint8_t state  # see State in wakeup.pyx
    cdef bint is_blocking  # tasks' own mark: see asyncio.isfuture()

    cdef int wake(self, bint directly) except -1
    cdef int wake_soon(self, callback) except -1
    cdef int call_all_soon(self, list callbacks) except -1
    cdef int add_another(self, callback, context) except -1


cdef Wakeup new_wakeup(object loop)
