# Twin of protocol/closing.py, and filled from it.
# Owns nothing.
"""The close handshake: the table of stages without a look-up of Python, and close frames."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from trunkline.close_codes import NEVER_SENT, REGISTERED, CloseCode
from trunkline.protocol.closing import CODE_BYTES, TABLE, State, Step, parse_close

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

cdef uint8_t table[STAGES][STEPS]

for number, state in enumerate(State):
    for place, step in enumerate(Step):
        following = TABLE.get((state, step))
        table[<int>number][<int>place] = (
            IMPOSSIBLE if following is None else tuple(State).index(following)
        )

cdef int no_status = CloseCode.NO_STATUS_RCVD
# What most say: a code without words, or nothing.
BODIES = [b"", *(code.to_bytes(CODE_BYTES) for code in sorted(REGISTERED - NEVER_SENT))]
cdef dict usual = {body: parse_close(body) for body in BODIES}


cdef int after(int stage, int step) noexcept:
    return table[stage][step]


cdef object read_close(bytes body):
    close = usual.get(body)
    return parse_close(body) if close is None else close


cdef size_t write_close(uint8_t* target, object close) except? 0:
    cdef:
        int code = close.code
        Py_ssize_t size
        const char* reason
    if code == no_status:
        return 0
    reason = PyUnicode_AsUTF8AndSize(close.reason, &size)
    target[0], target[1] = code >> 8, code & 0xFF
    memcpy(target + 2, reason, size)
    return 2 + size
