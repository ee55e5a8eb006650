# Twin of protocol/masking.py. Owns the pool of unused mask keys. Runs on any thread with the GIL.
"""Masking (RFC 6455 §5.3), compiled."""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cdef enum:
    KEY_BYTES = 4
    POOL_BYTES = 4096

# Fresh bytes from the kernel, used from the end: a system call for each key would take longer than
# the frame. Used ones are on the wire anyway.
cdef uint8_t pool[POOL_BYTES]
cdef size_t unused = 0


def apply_mask(const uint8_t[::1] data not None, bytes key not None, size_t offset=0):
    """Mask or unmask `data`, which is the same thing.

    Args:
        data: part of a payload.
        key: the frame's four masking bytes.
        offset: where in the payload `data` begins.
    """
    cdef:
        Py_ssize_t size = data.shape[0]
        bytes masked
    if PyBytes_GET_SIZE(key) != KEY_BYTES:
        raise ValueError(f"a mask key is {KEY_BYTES} bytes, not {len(key)}")
    masked = PyBytes_FromStringAndSize(NULL, size)
    if size:
        tl_mask(
            <uint8_t*>PyBytes_AS_STRING(masked), &data[0], size,
            <const uint8_t*>PyBytes_AS_STRING(key), offset,
        )
    return masked


def new_mask_key():
    """Draw a key that the application cannot foresee (RFC 6455 §5.3, §10.3)."""
    cdef uint8_t key[KEY_BYTES]
    take_mask_key(key)
    return PyBytes_FromStringAndSize(<char*>key, KEY_BYTES)


cdef int take_mask_key(uint8_t* key) except -1:
    global unused
    cdef bytes fresh
    if not unused:
        # Other threads may run meanwhile, and may have filled the pool, too.
        fresh = os.urandom(POOL_BYTES)
        memcpy(pool, PyBytes_AS_STRING(fresh), POOL_BYTES)
        unused = POOL_BYTES
    unused -= KEY_BYTES
    memcpy(key, pool + unused, KEY_BYTES)
    return 0


def discard_mask_keys():
    """Forget the keys that were drawn and not used: the other half of a fork has them as well."""
    global unused
    unused = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=discard_mask_keys)
