# Twin of protocol/masking.py. Owns the pool of unused mask keys. Runs on any thread with the GIL.
"""Masking (RFC 6455 §5.3), compiled."""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport errno
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cdef extern from "<sys/random.h>" nogil:
    int getentropy(void* target, size_t size) noexcept

cdef enum:
    KEY_BYTES = 4
    POOL_BYTES = 256  # the most that getentropy() gives

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
    if not unused:
        # Not os.urandom(): no Python may run while a frame is being written.
        if getentropy(pool, POOL_BYTES) < 0:
            raise OSError(errno, os.strerror(errno))
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
