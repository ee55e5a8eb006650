# What endpoints of one server have in common.
cimport cython
from libc.stdint cimport int64_t, uint32_t

from trunkline.native.flag cimport flag


@cython.final
cdef class Terms:
    cdef object limits
    cdef object new_mask_key        # callable; None where this side masks nothing
    cdef int64_t largest            # bytes of a whole frame that need no second look; -1: none
    cdef size_t max_unsent          # bytes, of messages that nobody waits for
    cdef uint32_t min_compress      # bytes; the largest number stands for any above
    cdef flag counts_empty          # there is a rate for fragments without payload
    cdef flag uses_pool             # mask keys are masking.new_mask_key()'s


# Those of servers with the same limits are one object.
cdef Terms terms_of(object limits, object new_mask_key)
