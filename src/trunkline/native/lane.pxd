# The way of ordinary messages between one socket and its user, without Python in between.
from libc.stdint cimport uint8_t

from trunkline.native.awaitable cimport Awaitable
from trunkline.native.endpoint cimport Kind
from trunkline.native.life cimport Life


cdef class Lane(Life):
    cdef int find_method(self) except -1
    cdef int act_on(self, Kind kind) except -1
    cdef int arrived(self) except -1
    cdef int deliver(self) except -1
    cdef int handler_failed(self) except -1
    cdef bint put_message(self, object message, bint compress) except -1
    cdef bint is_fragmenting(self) except -1
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
