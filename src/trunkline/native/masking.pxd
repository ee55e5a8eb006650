from libc.stdint cimport uint8_t


cdef extern from "mask.h" nogil:
    void tl_mask(
        uint8_t* target, const uint8_t* source, size_t size, const uint8_t* key, size_t offset
    ) noexcept


# Write four fresh bytes to `key`.
cdef int take_mask_key(uint8_t* key) except -1
