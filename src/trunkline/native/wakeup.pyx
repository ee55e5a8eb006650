# No twin: asyncio.Future does this for the reference, in twice the time.
# Owns nothing but references. Runs on the loop's thread.
"""What a task waits on, and how it goes on at once."""

import asyncio
import sys
from asyncio import CancelledError, tasks
from contextvars import copy_context

cimport cython

cdef extern from "Python.h":
    int PyContext_Enter(object context) except? -1
    int PyContext_Exit(object context) except -1

# CPython 3.11 to 3.13 keep the running task of each loop in this dict, in C as in Python. From 3.14
# on the name is there for the classes in Python only; C keeps it elsewhere: asking costs a call.
LAST_SHARED = (3, 13)
cdef dict running_tasks = None
if sys.version_info[:2] <= LAST_SHARED:
    running_tasks = getattr(tasks, "_current_tasks", None)
current_task = asyncio.current_task
enter_task, leave_task = tasks._enter_task, tasks._leave_task  # documented for task libraries


cdef object running_task(object loop):
    """Give the task that takes a step now, or `None`."""
    return current_task(loop) if running_tasks is None else running_tasks.get(loop)


cdef bint is_a_task_running(object loop) except -1:
    if running_tasks is not None:
        return loop in running_tasks
    return current_task(loop) is not None


cdef bint enter(object context) except -1:
    """Enter it; `False`: somebody is inside of it."""
    try:
        PyContext_Enter(context)
    except RuntimeError:
        return False
    return True


cdef bint begin_step(Wakeup rest, object task) except -1:
    """Let it look as if `task`, which waits on `rest`, took a step; `False`: it cannot be."""
    if rest.context is None or rest.callback is None or is_a_task_running(rest.loop):
        return False
    if not enter(rest.context):
        return False
    try:
        if running_tasks is not None:
            running_tasks[rest.loop] = task
        else:
            enter_task(rest.loop, task)
    except MemoryError:
        PyContext_Exit(rest.context)
        return False
    return True


cdef int end_step(Wakeup rest) except -1:
    if running_tasks is not None:
        del running_tasks[rest.loop]
    else:
        leave_task(rest.loop, current_task(rest.loop))
    PyContext_Exit(rest.context)
    return 0


cdef bint is_awaited_by(object callback, Wakeup wakeup) except -1:
    """Whether `callback` is of a task that has not gone on since it has waited on `wakeup`."""
    task = getattr(callback, "__self__", None)
    return getattr(task, "_fut_waiter", None) is wakeup


cdef Wakeup new_wakeup(object loop):
    cdef Wakeup wakeup = Wakeup.__new__(Wakeup)
    wakeup.loop = loop
    wakeup.is_blocking = True  # as `Future.__await__` says when it is waited on
    return wakeup


@cython.freelist(64)  # one for each message that is waited for
cdef class Wakeup:
    """As much of `asyncio.Future` as a task asks of what it waits for."""

    cdef int wake(self, bint directly) except -1:
        """Let the task go on: `directly`, in this call, where nothing speaks against it."""
        if self.state != PENDING:
            return 0
        if self.follower is not None:
            return self.follower.woken(self, directly)
        self.state = DONE
        callback, self.callback = self.callback, None
        if callback is None:
            return 0
        if self.context is None or is_a_task_running(self.loop):
            directly = False
        directly = directly and enter(self.context)
        if not directly:
            return self.wake_soon(callback)
        try:
            callback(self)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self.callback_failed(callback, error)
        finally:
            PyContext_Exit(self.context)
        return 0

    cdef int callback_failed(self, callback, error) except -1:
        """Take what came out of the callback: a task takes its exceptions itself."""
        if isinstance(error, MemoryError) and is_awaited_by(callback, self):
            return self.wake_soon(callback)  # there was not enough to begin the step
        # As a handle of the loop does
        context = {"message": "a callback of a wake-up failed", "exception": error}
        self.loop.call_exception_handler(context)
        return 0

    cdef int wake_soon(self, callback) except -1:
        try:
            if self.context is None:
                self.call_all_soon(callback)
            else:
                self.loop.call_soon(callback, self, context=self.context)
        except MemoryError:
            self.state, self.callback = PENDING, callback  # it can be tried again
            raise
        return 0

    cdef int call_all_soon(self, list callbacks) except -1:
        while callbacks:
            callback, context = callbacks[0]
            self.loop.call_soon(callback, self, context=context)
            del callbacks[0]
        return 0

    cdef int add_another(self, callback, context) except -1:
        """Keep a list from now on: a task comes alone, and needs none."""
        if self.context is not None:
            self.callback, self.context = [(self.callback, self.context)], None
        self.callback.append((callback, context))
        return 0

    # Called by tasks

    @property
    def _asyncio_future_blocking(self):
        return self.is_blocking

    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, bint value):
        self.is_blocking = value

    def get_loop(self):
        return self.loop

    def add_done_callback(self, callback, *, context=None):
        if self.state != PENDING:
            self.loop.call_soon(callback, self, context=context)
            return
        if context is None:
            context = copy_context()
        if self.callback is None:
            self.callback, self.context = callback, context
        else:
            self.add_another(callback, context)

    def remove_done_callback(self, callback):
        if self.callback is None:
            return 0
        if self.context is not None:
            if self.callback != callback:
                return 0
            self.callback = None
            return 1
        left = [each for each in self.callback if each[0] != callback]
        count = len(self.callback) - len(left)
        self.callback = left or None
        return count

    def done(self):
        return self.state != PENDING

    def cancelled(self):
        return self.state == CANCELLED

    def cancel(self, msg=None):
        if self.state == ASIDE:
            self.state, self.message = CANCELLED_ASIDE, msg
        if self.state != PENDING:
            return False
        self.state, self.message = CANCELLED, msg
        callback, self.callback = self.callback, None
        if callback is not None:
            self.wake_soon(callback)
        return True

    def result(self):
        if self.state == CANCELLED:
            raise CancelledError() if self.message is None else CancelledError(self.message)
        return None

    def exception(self):
        self.result()
        return None
