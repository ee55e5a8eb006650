# The close handshake, as protocol/closing.py has it, for compiled code.
from libc.stdint cimport uint8_t


# In the order of protocol.closing.State and Step
cdef enum:
    IS_OPEN
    IS_CLOSE_SENT
    IS_CLOSE_RECEIVED
    IS_FAILED
    IS_CLOSED


cdef enum:
    RECEIVE_FRAMES
    RECEIVE_CLOSE
    FAIL
    END
    SEND_FRAME
    SEND_CLOSE


cdef enum:
    IMPOSSIBLE = 255
    STAGES = 5
    STEPS = 6


# The stage after `step`, or IMPOSSIBLE.
cdef int after(int stage, int step) noexcept
# Read the body of a close frame; raises PeerError.
cdef object read_close(bytes body)
# Write the body that says `close` to `target`, which has room for a control frame; give its size.
cdef size_t write_close(uint8_t* target, object close) except? 0
