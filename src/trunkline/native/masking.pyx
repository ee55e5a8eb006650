# Twin of protocol/masking.py. Owns nothing. Runs on any thread.
"""Masking (RFC 6455 §5.3), compiled."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t


cdef extern from "mask.h" nogil:
    void tl_mask(
        uint8_t* target, const uint8_t* source, size_t size, const uint8_t* key, size_t offset
    ) noexcept


def apply_mask(const uint8_t[::1] data not None, bytes key not None, size_t offset=0):
    """Mask `data`, or take the mask off."""
    cdef:
        Py_ssize_t size = data.shape[0]
        bytes masked = PyBytes_FromStringAndSize(NULL, size)
    if len(key) != 4:
        raise ValueError(f"a mask key is 4 bytes, not {len(key)}")
    if size:
        tl_mask(
            <uint8_t*>PyBytes_AS_STRING(masked), &data[0], size,
            <const uint8_t*>PyBytes_AS_STRING(key), offset,
        )
    return masked
