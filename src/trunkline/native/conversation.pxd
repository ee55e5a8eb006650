# A handler, and what follows it, as one coroutine, which goes on without its task where it can.
from trunkline.native.awaitable cimport Awaitable
from trunkline.native.flag cimport flag
from trunkline.native.wakeup cimport Wakeup


cdef class Conversation(Awaitable):
    cdef object handler     # None once it was called
    cdef object connection
    cdef object logger
    cdef object conclude    # gives the coroutine that follows; None once it was called
    cdef object steps       # the coroutine that runs now

    # The task, once it is known that it can be passed over
    cdef object task
    cdef Wakeup rest        # what the task waits on
    cdef Wakeup source      # what the coroutine waits on, while the task is passed over

    # What came of a step without the task, until the task asks
    cdef flag is_holding
    cdef object held        # what the coroutine waits on, or FINAL
    cdef object failure     # or what it has raised
    cdef object owed        # an exception for the next step

    cdef object work(self)

    # Steps: give what is waited on, or FINAL
    cdef object begin(self)
    cdef object step(self, object value)
    cdef object go_on_after(self, object error)
    cdef bint has_parted(self) noexcept
    cdef object wait_on(self, object pending)
    cdef object take_held(self)
    cdef object cancel_held(self, object error)

    # Steps without the task
    cdef bint may_pass_over(self, object task) except -1
    cdef bint follow(self, object pending) except -1
    cdef int step_alone(self) except -1
