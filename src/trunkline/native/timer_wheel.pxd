# What can be set in a wheel. Heirs of C have no method for it that users could see.
cdef class Timed:
    cdef Timed previous  # in the ring of its slot, while it is set
    cdef Timed next
    cdef Slot slot

    # The deadline has come; it is set no longer.
    cdef int go_off(self) except -1
    # Order it off; nothing happens where it is not set.
    cdef int order_off(self) except -1
    # Go off when `other` was to, which is set no longer; nothing happens where it was not.
    cdef int take_place_of(self, Timed other) except -1


cdef class Timer(Timed):
    pass


cdef class Slot(Timed):
    cdef TimerWheel wheel
    cdef readonly long long number

    cdef int add(self, Timed timer) except -1
    cdef int take_out(self, Timed timer) except -1
    cdef bint is_empty(self) noexcept


cdef class TimerWheel:
    cdef object clock
    cdef object wake_at
    cdef readonly dict _slots  # by number; an emptied slot stays until its time
    cdef readonly list _order  # heap of their numbers
    cdef Py_ssize_t count
    cdef object alarm
    cdef long long alarm_slot
    cdef set postponed

    # Have `timer` go off in `delay` seconds, and not when it was to go off before.
    cdef int put(self, Timed timer, double delay) except -1
    cdef long long slot_at(self, double time) except? -1
    cdef int insert(self, Timed timer, long long number) except -1
    cdef Slot slot_of(self, number)
    cdef int take_out(self, Timed timer) except -1
    cdef int set_alarm(self) except -1
    cdef int collect(self, list due) except -1
    cdef int empty(self, Slot slot, double lag) except -1
    cdef int fire(self, Timed timer) except -1
