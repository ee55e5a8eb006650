# Twin of converse() in server/conversation.py. Owns nothing but references.
# Runs on the loop's thread.
"""A handler at work, compiled.

A step of a task costs more than a message: a callback for each wait, and a level of its own. While
the handler waits for one message after the other, its task waits on one and the same thing, and
the handler goes on without it. Whatever else the handler waits for, gives or raises is held until
the task, woken for it, takes the step in which it hears of that.
"""

from asyncio import CancelledError, Task

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF

from trunkline.native.awaitable cimport (
    FINAL,
    FINISHED,
    NEW,
    SEND_RETURNED,
    SEND_YIELDED,
    WAITING,
    Awaitable,
    thrown,
)
from trunkline.native.life cimport Life
from trunkline.native.wakeup cimport (
    ASIDE,
    CANCELLED_ASIDE,
    PENDING,
    Wakeup,
    begin_step,
    end_step,
    new_wakeup,
    running_task,
)

from trunkline.native.awaitable import REUSED, sends_directly

cdef extern from "Python.h":
    bint PyCoro_CheckExact(object o) noexcept
    # Without the exception that Cython would raise: it is looked at.
    int send_on "PyIter_Send" (PyObject* steps, PyObject* value, PyObject** result) noexcept

# What is answered with a close code; anything else ends everything.
ANSWERED = (Exception, CancelledError, SystemExit)


cdef int raise_current() except -1:
    """Raise the exception that C code has left."""
    return -1


cdef object take_current():
    """Take the exception that C code has left."""
    try:
        raise_current()
    except BaseException as error:
        return error


async def wait_for(awaitable):
    """Make a coroutine of anything that can be awaited."""
    await awaitable


cdef class Conversation(Awaitable):
    """Runs the handler, and then the coroutine that closes the connection.

    Args:
        handler: the user's coroutine function.
        connection: what it is called with.
        logger: told of its exceptions.
        conclude: called with connection, logger, and the exception of the handler or `None`.
    """

    def __cinit__(self, handler, connection, logger, conclude):
        self.handler, self.connection = handler, connection
        self.logger, self.conclude = logger, conclude

    def __getattr__(self, name):
        # What tools ask a coroutine for: its code, frame, and what it waits for.
        return getattr(self.steps, name)

    @property
    def __name__(self):
        return getattr(self.work(), "__name__", type(self).__name__)

    @property
    def __qualname__(self):
        return getattr(self.work(), "__qualname__", type(self).__qualname__)

    cdef object work(self):
        """Give what has the name to be shown; `None` once everything is done."""
        return self.handler if self.steps is None else self.steps

    # Steps

    cdef object advance(self, object value):
        if self.is_holding:
            return self.take_held()
        if self.stage == FINISHED:
            raise RuntimeError(REUSED)
        self.source = None
        if self.owed is not None:
            error, self.owed = self.owed, None
            return self.interrupted(error, None, None)
        if self.stage == NEW:
            self.stage = WAITING
            return self.wait_on(self.begin())
        return self.wait_on(self.step(value))

    cdef object begin(self):
        """Call the handler, and take the first step of what it gives."""
        handler, self.handler = self.handler, None
        try:
            steps = handler(self.connection)
        except BaseException as error:
            failure = error
        else:
            self.steps = steps if PyCoro_CheckExact(steps) else wait_for(steps)
            return self.step(None)
        return self.go_on_after(failure)

    cdef object step(self, object value):
        cdef PyObject* result = NULL  # owned
        cdef int status = send_on(<PyObject*>self.steps, <PyObject*>value, &result)
        if status != SEND_YIELDED and status != SEND_RETURNED:
            return self.go_on_after(take_current())
        pending = <object>result
        Py_DECREF(pending)
        return pending if status == SEND_YIELDED else self.go_on_after(None)

    cdef object go_on_after(self, object error):
        """The coroutine has ended, with `error` or well: begin the one that follows."""
        conclude, self.conclude = self.conclude, None
        if error is None and self.has_parted():
            conclude = None
        if conclude is None or not (error is None or isinstance(error, ANSWERED)):
            self.stage = FINISHED
            self.task = self.steps = None
            if error is not None:
                raise error
            return FINAL
        self.steps = conclude(self.connection, self.logger, error)
        return self.step(None)

    cdef bint has_parted(self) noexcept:
        """Whether goodbyes have gone both ways already: nothing is left to be closed."""
        return isinstance(self.connection, Life) and (<Life>self.connection).has_ended_well()

    cdef object wait_on(self, object pending):
        """Give the task what to wait on: something of its own, where it can be passed over."""
        cdef Wakeup rest
        if not isinstance(pending, Wakeup):
            return pending
        loop = (<Wakeup>pending).loop
        try:
            rest = new_wakeup(loop)
        except MemoryError:
            return pending
        if not self.may_pass_over(running_task(loop)) or not self.follow(pending):
            return pending
        self.rest = rest
        return rest

    # Ends

    cdef object interrupted(self, object kind, object value, object traceback):
        if self.stage == NEW:
            return Awaitable.interrupted(self, kind, value, traceback)
        error = thrown(kind, value, traceback)
        if self.is_holding:
            return self.cancel_held(error)
        self.source = None
        try:
            pending = self.steps.throw(error)
        except StopIteration:
            failure = None
        except BaseException as raised:
            failure = raised
        else:
            return self.wait_on(pending)
        return self.wait_on(self.go_on_after(failure))

    cdef int interrupt(self) except -1:
        steps, self.steps = self.steps, None
        self.source = self.task = None
        steps.close()
        return 0

    # Steps without the task

    cdef bint may_pass_over(self, object task) except -1:
        """Whether `task`, which takes a step, is one of asyncio's that runs nothing but this."""
        if self.task is None and isinstance(task, Task) and task.get_coro() is self:
            self.task = task
        return task is not None and self.task is task

    cdef bint follow(self, object pending) except -1:
        """Go on by oneself when `pending` is woken; `False`: somebody else does, or nobody."""
        cdef Wakeup source
        if not isinstance(pending, Wakeup):
            return False
        source = pending
        if source.state != PENDING or source.callback is not None or source.follower is not None:
            return False
        source.follower = self
        self.source = source
        return True

    cdef int woken(self, object source, bint directly) except -1:
        cdef Wakeup rest = self.rest
        cdef bint is_cancelled
        if source is not self.source or rest.state != PENDING:
            return 0
        if not (directly and begin_step(rest, self.task)):
            return rest.wake(False)
        rest.state = ASIDE
        self.step_alone()
        is_cancelled = rest.state == CANCELLED_ASIDE
        rest.state = PENDING
        end_step(rest)
        if self.is_holding:
            return rest.wake(True)
        if is_cancelled:
            rest.cancel(rest.message)
        return 0

    cdef int step_alone(self) except -1:
        """Take a step in place of the task, and hold what it has to hear of."""
        self.source = None
        try:
            self.held = self.step(None)
        except BaseException as error:
            self.held, self.failure = None, error
        if self.follow(self.held):
            self.held = None
        else:
            self.is_holding = True
            self.stage = WAITING
        return 0

    cdef object take_held(self):
        """Give what a step without the task has come to."""
        held, failure = self.held, self.failure
        self.held = self.failure = None
        self.is_holding = False
        if failure is not None or held is FINAL:
            self.stage = FINISHED
        if failure is not None:
            raise failure
        return held

    cdef object cancel_held(self, object error):
        """The task was cancelled in the step that it did not see: as if it had seen it."""
        held = self.take_held()
        if held is FINAL:
            raise error
        cancel = getattr(held, "cancel", None)
        if cancel is None or not cancel(*error.args):
            self.owed = error
        return held


sends_directly(Conversation)
