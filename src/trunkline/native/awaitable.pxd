# A coroutine in C: what `await` and tasks ask of one.
from libc.stdint cimport uint8_t


cdef enum Stage:
    NEW
    WAITING
    FINISHED


cdef enum:
    SEND_RETURNED = 0
    SEND_YIELDED = 1


cdef class Awaitable:
    cdef uint8_t stage

    # Go on; give what to wait for, or set `outcome` and give FINAL.
    cdef object advance(self, object value)
    # End early: the exception is on its way.
    cdef int interrupt(self) except -1
    cdef int finish_early(self) except -1
    cdef object outcome
    cdef object interrupted(self, object kind, object value, object traceback)
    # For one that follows a wake-up: what it waits on is there.
    cdef int woken(self, object source, bint directly) except -1


cdef object FINAL

cdef object thrown(object kind, object value, object traceback)
cdef int warn_of_unawaited(str name) except -1
