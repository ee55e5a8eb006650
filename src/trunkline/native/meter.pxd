# What a peer may send, where there are rates: a sink between its stream and its lane.
cimport cython
from libc.stdint cimport uint32_t, uint64_t, uint8_t

from trunkline.native.endpoint cimport Kind
from trunkline.native.flag cimport flag
from trunkline.native.lane cimport Lane
from trunkline.native.sink cimport Sink


# One rate: how fast its buckets fill up, and how much they hold.
cdef struct Speed:
    double speed    # tokens per second
    double most     # tokens; infinity: no limit


@cython.final
cdef class Rates:
    """What follows from limits, once for all connections that have the same."""
    cdef object limits
    cdef Speed messages
    cdef Speed bytes
    cdef Speed control
    cdef double idle_timeout    # seconds; infinity: for ever
    cdef flag pauses            # on_excess is PAUSE
    cdef flag closes            # on_excess is CLOSE


@cython.final
cdef class Meter(Sink):
    cdef Lane lane              # None once the stream is lost
    cdef Rates rates
    # Of each bucket: when everything is paid for, in tokens since the clock began
    cdef public double messages
    cdef public double bytes
    cdef public double control
    cdef double spoken_at       # seconds
    cdef double debt            # seconds, of this read
    cdef uint32_t written       # bytes of the stream that were no control frames, when last looked
    cdef uint32_t control_bytes
    cdef readonly flag is_holding

    cdef int charge(self, size_t size, uint64_t messages, uint64_t control) except -1
    cdef int begin_read(self, size_t size) except -1
    cdef int end_read(self) except -1
    cdef int pay(self) except -1
    cdef int judge(self, Kind kind) except -1
    cdef bint admits(self, Kind kind) except -1
    cdef bint allows(self, Speed* rate, double* due, object limit, str what) except -1
    cdef int drop(self, Kind kind) except -1
    cdef int refuse(self, object rate, str what) except -1
    cdef int hold(self, double seconds) except -1
    cdef int listen(self) except -1
    cdef int look(self) except -1
    cdef int look_later(self, double at_most) except -1
    cdef bint has_sent(self) noexcept
