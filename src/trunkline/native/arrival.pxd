from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.listener cimport Acceptor
from trunkline.native.opening cimport Form, Reception
from trunkline.native.sink cimport Sink
from trunkline.native.stream cimport Stream
from trunkline.native.timer_wheel cimport TimerWheel


cdef class Entrance(Acceptor):
    cdef readonly Reception reception
    cdef TimerWheel timers
    cdef double open_timeout  # seconds; infinite where there is no deadline
    cdef uint32_t write_limit  # of the streams
    cdef object decline  # called with a stream and how many seconds it has waited: gives an Opening
    cdef object connect  # called with a stream: gives a connection
    cdef object begin  # called with a connection, agreement, events, and what lies behind the head

    # Where events come from: all None where messages go to recv()
    cdef object shared_events  # an instance for all connections
    cdef object kind  # a class that needs no request
    cdef object events_for  # called with a request's head

    cdef set waiting  # arrivals
    cdef bint is_closed

    cdef int admit(self, Stream stream) except -1
    cdef object new_events(self, Form form, const uint8_t* data)


cdef class Arrival(Sink):
    cdef Entrance entrance  # None once it is not its turn any more
    cdef Stream stream
    cdef double since  # seconds, on the clock of the poller

    cdef int leave(self) except -1
    cdef object give_way(self)
    cdef int open(self, Form form, const uint8_t* data, size_t size) except -1
