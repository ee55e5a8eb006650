# Twin: connection/meter.py, with connection/bucket.py.
# Owns nothing: it stands between a stream and its lane, where the limits have rates, so that who
# has none pays nothing. Runs on the loop's thread.
"""What a peer may send, and when nobody says anything any more."""

from libc.math cimport INFINITY, isinf
from libc.stdint cimport uint32_t, uint64_t, uint8_t

from trunkline.native.endpoint cimport BINARY, NOTHING, PING, PONG, TEXT, Kind
from trunkline.native.footing cimport Footing
from trunkline.native.lane cimport Lane
from trunkline.native.sockets cimport tl_monotonic
from trunkline.native.traffic cimport Traffic

from trunkline.close_codes import CloseCode
from trunkline.limits import IDLE_LOOKS, TOKEN_ROUNDING, Excess

cdef double idle_looks = IDLE_LOOKS
cdef double token_rounding = TOKEN_ROUNDING


cdef inline double due_after(double due, double here, double tokens) noexcept:
    return (due if due > here else here) + tokens


cdef inline bint take(Speed* rate, double* due, double now, double tokens) noexcept:
    """Take tokens if there are so many; say whether there were."""
    cdef double here = now * rate.speed
    cdef double then = due_after(due[0], here, tokens)
    if then - here - rate.most > token_rounding:
        return False
    due[0] = then
    return True


cdef inline double borrow(Speed* rate, double* due, double now, double tokens) noexcept:
    """Take tokens in any case; give the seconds until those are paid for that were not there."""
    cdef double here = now * rate.speed, missing
    due[0] = due_after(due[0], here, tokens)
    missing = due[0] - here - rate.most
    return missing / rate.speed if missing > token_rounding else 0.0


cdef Speed speed_of(rate) except *:
    cdef Speed speed
    speed.speed = 1.0 if rate is None else rate.count / rate.per
    speed.most = INFINITY if rate is None else rate.most
    return speed


cdef class Rates:
    def __cinit__(self, limits):
        self.limits = limits
        self.messages = speed_of(limits.message_rate)
        self.bytes = speed_of(limits.byte_rate)
        self.control = speed_of(limits.control_rate)
        self.idle_timeout = INFINITY if limits.idle_timeout is None else limits.idle_timeout
        self.pauses = limits.on_excess is Excess.PAUSE
        self.closes = limits.on_excess is Excess.CLOSE


cdef class Meter(Sink):
    def __cinit__(self, Rates rates not None, Lane lane not None):
        self.rates, self.lane = rates, lane
        self.spoken_at = tl_monotonic()
        self.has_sent()  # from here on
        self.look_later(INFINITY)

    # Called by the stream

    cdef int receive(self, uint8_t* data, size_t size) except -1:
        cdef:
            Lane lane = self.lane
            Traffic traffic = lane.footing.traffic
            uint64_t messages, control
            uint8_t* position = data
            Kind kind
        if self.rates.pauses:
            # Everything is taken: it is enough to count behind it.
            messages, control = traffic.messages_received, traffic.control_received
            lane.receive(data, size)
            return self.charge(
                size, traffic.messages_received - messages, traffic.control_received - control
            )
        traffic.bytes_received += size
        self.begin_read(size)
        kind = lane.endpoint.pull(&position, data + size)
        while kind != NOTHING:
            self.judge(kind)
            kind = lane.endpoint.pull(&position, data + size)
        self.end_read()
        return lane.arrived()

    cdef size_t wanted(self, uint8_t** where) noexcept:
        return self.lane.wanted(where)

    cdef int received(self, size_t size) except -1:
        cdef:
            Lane lane = self.lane
            Traffic traffic = lane.footing.traffic
            uint64_t messages = traffic.messages_received
            Kind kind
        if self.rates.pauses:
            lane.received(size)
            return self.charge(size, traffic.messages_received - messages, 0)
        traffic.bytes_received += size
        self.begin_read(size)
        kind = lane.endpoint.received(size)
        if kind != NOTHING:
            self.judge(kind)
        self.pay()
        return lane.arrived()

    cdef int ended(self) except -1:
        return self.lane.ended()

    cdef int resumed(self) except -1:
        return self.lane.resumed()

    cdef int lost(self, object error) except -1:
        cdef Lane lane = self.lane
        self.order_off()
        self.is_holding = False
        self.lane = None
        return lane.lost(error)

    # Called by the lane and the poller

    cdef object owner(self):
        return self.lane

    cdef bint holds_back(self) noexcept:
        return self.is_holding

    cdef int note_control(self, size_t size) except -1:
        self.control_bytes += size
        return 0

    # Called by the link

    def let_go(self):
        """Let the peer wait no longer, and look no more: the connection is ending."""
        self.is_holding = False
        self.order_off()

    def control_sent(self, size_t size):
        """Take note of so many bytes that were written, and are no message."""
        self.note_control(size)

    # Where too much makes the peer wait

    cdef int charge(self, size_t size, uint64_t messages, uint64_t control) except -1:
        """Charge what has been taken in one read; let the peer wait where it was too much."""
        cdef:
            Rates rates = self.rates
            Lane lane = self.lane
            double now = lane.stream.last_heard, debt
        if messages:
            self.spoken_at = now
        control += lane.endpoint.take_empty()
        # Who has said goodbye, or failed, is not listened to.
        if not lane.endpoint.is_open:
            return 0
        debt = borrow(&rates.bytes, &self.bytes, now, size)
        if messages:
            debt = max(debt, borrow(&rates.messages, &self.messages, now, messages))
        if control:
            debt = max(debt, borrow(&rates.control, &self.control, now, control))
        return self.hold(debt) if debt > 0 else 0

    # Where it is dropped, or closes

    cdef int begin_read(self, size_t size) except -1:
        """Charge the bytes."""
        cdef:
            Rates rates = self.rates
            double now = self.lane.stream.last_heard
        self.debt = 0
        if not self.lane.endpoint.is_open:
            return 0
        if not rates.closes:
            self.debt = borrow(&rates.bytes, &self.bytes, now, size)
        elif not take(&rates.bytes, &self.bytes, now, size):
            self.refuse(rates.limits.byte_rate, "bytes")
        return 0

    cdef int end_read(self) except -1:
        """Charge fragments that brought nothing: they have been taken, and cannot be dropped."""
        cdef:
            Rates rates = self.rates
            size_t count = self.lane.endpoint.take_empty()
            double now = self.lane.stream.last_heard
        if count == 0 or not self.lane.endpoint.is_open:
            return self.pay()
        if not rates.closes:
            self.debt = max(self.debt, borrow(&rates.control, &self.control, now, count))
        elif not take(&rates.control, &self.control, now, count):
            self.refuse(rates.limits.control_rate, "control frames")
        return self.pay()

    cdef int pay(self) except -1:
        """Let the peer wait for what was taken and is not paid for."""
        return self.hold(self.debt) if self.debt > 0 and self.lane.endpoint.is_open else 0

    cdef int judge(self, Kind kind) except -1:
        """Hand an event on, or drop it."""
        return self.lane.act_on(kind) if self.admits(kind) else self.drop(kind)

    cdef bint admits(self, Kind kind) except -1:
        """Say whether an event is to be handed on; close where that is what becomes of it."""
        cdef Rates rates = self.rates
        if not self.lane.endpoint.is_open:
            return True
        if kind == BINARY or kind == TEXT:
            self.spoken_at = self.lane.stream.last_heard
            limit = rates.limits.message_rate
            return self.allows(&rates.messages, &self.messages, limit, "messages")
        if kind == PING or kind == PONG:
            limit = rates.limits.control_rate
            return self.allows(&rates.control, &self.control, limit, "control frames")
        return True

    cdef bint allows(self, Speed* rate, double* due, object limit, str what) except -1:
        if take(rate, due, self.lane.stream.last_heard, 1):
            return True
        if self.rates.closes:
            self.refuse(limit, what)
        return False

    # What becomes of too much

    cdef int drop(self, Kind kind) except -1:
        cdef:
            Lane lane = self.lane
            Footing footing = lane.footing
        data, lane.endpoint.data = lane.endpoint.data, None
        if self.rates.closes:
            return 0
        footing.traffic.dropped += 1
        when_dropped = footing.setting.when_dropped
        if when_dropped is not None and (kind == BINARY or kind == TEXT):
            when_dropped(lane, data)
        return 0

    cdef int refuse(self, object rate, str what) except -1:
        self.lane.own_link().refuse(f"over {rate.of(what)}")
        return 0

    cdef int hold(self, double seconds) except -1:
        cdef Footing footing = self.lane.footing
        if not self.is_holding:
            self.is_holding = True
            footing.traffic.paused += 1
            self.lane.stream.pause_reading()
        return footing.timers.put(self, seconds)

    # Called by the timer wheel

    cdef int go_off(self) except -1:
        """A pause is over; or it is time to look whether the connection is idle."""
        if self.is_holding:
            self.is_holding = False
            self.listen()
            return self.look_later(INFINITY)
        return self.look() if self.lane.endpoint.is_open else 0

    cdef int listen(self) except -1:
        """Read on, unless the user lets the peer wait."""
        cdef Lane lane = self.lane
        if lane.has_link():
            lane.link.listen()
        else:
            lane.stream.last_heard = tl_monotonic()
            lane.stream.resume_reading()
        return 0

    cdef int look(self) except -1:
        cdef double now = tl_monotonic(), limit = self.rates.idle_timeout, silence
        if self.has_sent():
            self.spoken_at = now
        silence = now - self.spoken_at
        if silence < limit:
            return self.look_later(limit - silence)
        reason = f"no message for {silence:.1f} s, limit {limit:g} s"
        self.lane.own_link().close(CloseCode.GOING_AWAY, reason)
        return 0

    cdef bint has_sent(self) noexcept:
        """Say whether a message was written since this was asked last, by whoever did it."""
        cdef uint32_t written = self.lane.stream.written - self.control_bytes
        cdef uint32_t before = self.written
        self.written = written
        return written != before

    cdef int look_later(self, double at_most) except -1:
        """Look again in a while, where that is asked for."""
        cdef double limit = self.rates.idle_timeout
        if isinf(limit):
            return 0
        return self.lane.footing.timers.put(self, min(at_most, limit / idle_looks))
