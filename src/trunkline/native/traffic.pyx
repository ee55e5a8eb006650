# Twin: connection/traffic.py, which says what each counts.
# Owns nothing. Runs on the loop's thread.
"""Counters of all connections of one setting, for an increment each."""


cdef class Traffic:
    pass
