# A connection from its opening to its end.
from libc.stdint cimport uint8_t

from trunkline.native.endpoint cimport Endpoint, Kind
from trunkline.native.footing cimport Footing
from trunkline.native.inbox cimport Inbox
from trunkline.native.sink cimport Sink
from trunkline.native.stream cimport Stream
from trunkline.native.timer_wheel cimport Timed


cdef class Life(Sink):
    cdef dict __dict__  # for what users set on a connection
    cdef object __weakref__
    cdef Footing footing
    cdef Stream stream
    cdef Endpoint endpoint      # None before the connection is open
    # connection.link.Link; None while there is nothing for it to do; or a Close, the peer's and our
    # answer, where nothing else is to be known of the end.
    cdef object link
    cdef double round_trip      # seconds, as the latest link has measured it

    # For connection.Connection
    cdef public object _heads   # connection.heads.Heads, or bytes once they are folded
    # Owned: how many bytes they are, in four, and they. An object for them takes twice as much.
    cdef uint8_t* own_values

    # Where messages go: into the inbox, or to on_message(events, connection, data)
    cdef readonly Inbox inbox
    cdef readonly object events
    cdef object on_message

    # Open a connection that was made with join(), or by hand: endpoint, timer, on_open(). What
    # arrived behind the handshake goes to receive_early(), and catch_up() is called at the end.
    cdef int begin(self, Footing footing, object events) except -1
    cdef int receive_early(self, uint8_t* data, size_t size) except -1
    cdef Sink meter_or_self(self)
    cdef void expect_calls(self) noexcept
    cdef int keep_own_values(self, bytes values) except -1
    cdef int receive_copy(self, bytes received) except -1
    cdef int catch_up(self) except -1
    cdef bint is_stalling(self) noexcept

    # With a link, and without
    cdef inline bint has_link(self) noexcept:
        return isinstance(self.link, Timed)

    cdef inline bint has_ended_well(self) noexcept:
        return self.link is not None and not self.has_link()

    cdef object own_link(self)
    cdef int let_link_go(self) except -1

    # What arrives and is no message
    cdef int take(self, Kind kind) except -1
    cdef int pass_on(self, Kind kind, object data) except -1
    cdef int ping_received(self, bytes payload) except -1
    cdef int close_received(self, object close) except -1
    cdef int put_control(self, int opcode, const uint8_t* payload, size_t size) except -1
    cdef int tell(self, object method, tuple arguments) except -1
