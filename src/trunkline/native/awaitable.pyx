# No twin: `async def` does this for the reference, with a frame for each call.
# Owns nothing but references. Runs on the loop's thread.
"""A coroutine in C.

`await` sends by way of the type's `am_send`, which raises no StopIteration and needs no frame:
half a microsecond a message, against one with a future in an `async def`.
"""

import warnings
from collections.abc import Coroutine

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

cdef extern from *:
    """
    static inline void tl_set_am_send(PyObject *type, void *send)
    {
        ((PyTypeObject *)type)->tp_as_async->am_send = (sendfunc)send;
    }
    """
    void tl_set_am_send(object type, void* send) noexcept

FINAL = object()
REUSED = "cannot reuse already awaited coroutine"


cdef class Awaitable:
    """Behaves as a coroutine object does; its subclasses say what it does."""

    cdef object advance(self, object value):
        raise NotImplementedError

    cdef int interrupt(self) except -1:
        """Let go of what is waited for."""
        return 0

    cdef object interrupted(self, object kind, object value, object traceback):
        """Take an exception in; by default it ends the wait."""
        self.finish_early()
        raise thrown(kind, value, traceback)

    cdef int woken(self, object source, bint directly) except -1:
        raise NotImplementedError

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)

    def send(self, value):
        """Go on, as `generator.send()`."""
        pending = self.advance(value)
        if pending is not FINAL:
            return pending
        outcome, self.outcome = self.outcome, None
        raise StopIteration(outcome)

    def throw(self, kind, value=None, traceback=None):
        """Raise where it waits, as `generator.throw()`."""
        if self.stage == FINISHED:
            raise RuntimeError(REUSED)
        pending = self.interrupted(kind, value, traceback)
        if pending is not FINAL:
            return pending
        outcome, self.outcome = self.outcome, None
        raise StopIteration(outcome)

    def close(self):
        """End it, as `generator.close()`."""
        self.finish_early()

    cdef int finish_early(self) except -1:
        """Let go of what is waited for, if anything is."""
        cdef bint is_waiting = self.stage == WAITING
        self.stage = FINISHED
        return self.interrupt() if is_waiting else 0


Coroutine.register(Awaitable)


cdef int send_to(PyObject* awaitable, PyObject* value, PyObject** result) except -1:
    """The type's am_send."""
    result[0] = NULL
    pending = (<Awaitable>awaitable).advance(<object>value)
    if pending is FINAL:
        pending, (<Awaitable>awaitable).outcome = (<Awaitable>awaitable).outcome, None
        Py_INCREF(pending)
        result[0] = <PyObject*>pending
        return SEND_RETURNED
    Py_INCREF(pending)
    result[0] = <PyObject*>pending
    return SEND_YIELDED


cdef object thrown(object kind, object value, object traceback):
    """Make one exception of what `throw()` was given."""
    if isinstance(kind, BaseException):
        return kind
    if value is None:
        error = kind()
    else:
        error = value if isinstance(value, BaseException) else kind(value)
    return error if traceback is None else error.with_traceback(traceback)


cdef int warn_of_unawaited(str name) except -1:
    """Say what Python says of coroutines that nobody has awaited."""
    warnings.warn(f"coroutine '{name}' was never awaited", RuntimeWarning)
    return 0


def sends_directly(kind):
    """Class decorator: give a subclass of `Awaitable` the slot, which types do not inherit."""
    tl_set_am_send(kind, <void*>send_to)
    return kind
