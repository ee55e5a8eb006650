# No twin: the reference asks the limits and the role each time.
# Owns nothing. Runs on the loop's thread.
"""What endpoints of one server have in common."""

from libc.stdint cimport INT64_MAX, UINT32_MAX

from trunkline.native.messages cimport at_most

from trunkline.native import masking

# Of the latest endpoint of a server: many with the same come in a row.
cdef Terms latest_terms = None


cdef class Terms:
    pass


cdef Terms terms_of(limits, new_mask_key):
    """Give the terms; those of clients are not kept: a cycle may go through their keys."""
    global latest_terms
    cdef Terms terms = latest_terms
    if new_mask_key is None and terms is not None and terms.limits is limits:
        return terms
    terms = Terms.__new__(Terms)
    terms.limits, terms.new_mask_key = limits, new_mask_key
    terms.uses_pool = new_mask_key is masking.new_mask_key
    terms.largest = at_most(limits.max_size, INT64_MAX) if limits.max_fragments else -1
    terms.max_unsent = at_most(limits.max_unsent, INT64_MAX)
    terms.counts_empty = limits.control_rate is not None
    terms.min_compress = at_most(limits.min_compress, UINT32_MAX)
    if new_mask_key is None:
        latest_terms = terms
    return terms
