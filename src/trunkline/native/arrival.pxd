from libc.stdint cimport uint8_t, uint32_t

from trunkline.native.life cimport Life
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
    cdef type kind  # of the connections: a subclass of Lane
    cdef object footing_for  # called with an agreement: gives a Footing

    # Called with a connection
    cdef object opened  # before it opens
    cdef object start  # once it is open; None for nothing
    cdef object undo  # where an exception, which is being handled, came in between

    # Where events come from: all None where messages go to recv()
    cdef object shared_events  # an instance for all connections
    cdef object events_kind  # a class that needs no request
    cdef object events_for  # called with a request's head

    cdef set waiting  # arrivals
    cdef bint is_closed

    cdef int admit(self, Stream stream) except -1
    cdef object new_events(self, Form form, const uint8_t* data)
    cdef Life new_connection(self, Stream stream, Form form, const uint8_t* data)
    cdef int begin(self, Life life, object events, uint8_t* rest, size_t size) except -1


cdef class Arrival(Sink):
    cdef Entrance entrance  # None once it is not its turn any more
    cdef Stream stream
    cdef double since  # seconds, on the clock of the poller

    cdef int leave(self) except -1
    cdef object give_way(self)
    cdef int open(self, Form form, uint8_t* data, size_t size) except -1
