# What a task waits on: the part of a future that tasks use.
from libc.stdint cimport uint8_t

from trunkline.native.awaitable cimport Awaitable


cdef enum State:
    PENDING
    DONE
    CANCELLED
    ASIDE            # its task is passed over for a step, see conversation.pyx
    CANCELLED_ASIDE  # and was cancelled in that step


cdef class Wakeup:
    cdef object loop
    cdef object callback  # of the task that waits; or a list, where others wait as well
    cdef object context  # that the callback runs in; None with a list of pairs of both
    cdef object message  # of the cancellation
    cdef Awaitable follower  # woken in place of all callbacks
    cdef uint8_t state  # State
    cdef bint is_blocking  # tasks' own mark: see asyncio.isfuture()

    cdef int wake(self, bint directly) except -1
    cdef int wake_soon(self, callback) except -1
    cdef int callback_failed(self, callback, error) except -1
    cdef int call_all_soon(self, list callbacks) except -1
    cdef int add_another(self, callback, context) except -1


cdef Wakeup new_wakeup(object loop)

cdef object running_task(object loop)

# A step of a task, taken by somebody else in the task's context.
cdef bint begin_step(Wakeup rest, object task) except -1
cdef int end_step(Wakeup rest) except -1
