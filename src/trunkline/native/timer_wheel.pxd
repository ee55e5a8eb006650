cdef class Timer:
    cdef Timer previous  # in the ring of its slot, while it is set
    cdef Timer next
    cdef Slot slot


cdef class Slot(Timer):
    cdef TimerWheel wheel
    cdef readonly long long number

    cdef int add(self, Timer timer) except -1
    cdef int take_out(self, Timer timer) except -1
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

    cdef long long slot_at(self, double time) except? -1
    cdef int insert(self, Timer timer, long long number) except -1
    cdef int take_out(self, Timer timer) except -1
    cdef int set_alarm(self) except -1
    cdef list due(self)
    cdef int empty(self, Slot slot, double lag) except -1
    cdef int fire(self, Timer timer) except -1
