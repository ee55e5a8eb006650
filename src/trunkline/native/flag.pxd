# A truth value in one byte, where a `bint` takes four.
cdef extern from "<stdbool.h>":
    ctypedef bint flag "bool"
