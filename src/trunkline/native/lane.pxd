# The way of ordinary messages between one socket and its user, without Python in between.
from libc.stdint cimport uint8_t

from trunkline.native.awaitable cimport Awaitable
from trunkline.native.endpoint cimport Endpoint, Kind
from trunkline.native.inbox cimport Inbox
from trunkline.native.sink cimport Sink
from trunkline.native.stream cimport Stream


cdef class Lane(Sink):
    cdef dict __dict__  # for what users set on a connection
    cdef object __weakref__
    cdef Stream stream
    cdef Endpoint endpoint  # None before the connection is open
    cdef public object _link  # connection.link.Link: takes everything that is no message
    cdef public object _sender  # connection.outbox.Outbox, once it was needed

    # Where messages go: into the inbox, or to on_message(events, connection, data)
    cdef readonly Inbox inbox
    cdef readonly object events
    cdef object on_message

    cdef int find_method(self) except -1
    cdef int act_on(self, Kind kind) except -1
    cdef int arrived(self) except -1
    cdef int take(self, Kind kind) except -1
    cdef int deliver(self) except -1
    cdef int handler_failed(self) except -1
    cdef bint put_message(self, object message, bint compress) except -1
    cdef bint put_compressed(self, object message, int opcode) except -1
    cdef int put_large(self, int opcode, const uint8_t* payload, size_t size) except -1
    cdef int put_masked(self, int opcode, const uint8_t* payload, size_t size) except -1


cdef class Send(Awaitable):
    cdef Lane lane
    cdef object message
    cdef object text
    cdef bint compress
    cdef object rest  # a coroutine that does what is left: fragments, or waiting for low water

    cdef int let_go(self) except -1
    cdef bint put_at_once(self, object message) except -1
    cdef object go_on(self, object value)
