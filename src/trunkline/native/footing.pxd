# What connections stand on that have the same setting, and have agreed on the same.
cimport cython

from trunkline.native.endpoint cimport Endpoint
from trunkline.native.flag cimport flag
from trunkline.native.terms cimport Terms
from trunkline.native.timer_wheel cimport TimerWheel


@cython.final
cdef class Footing:
    cdef readonly object setting    # connection.setting.Setting
    cdef readonly object agreement  # protocol.handshake.Agreement
    cdef object new_deflate         # makes the extension of one connection; None for none
    cdef object when_lost           # callable; None for nobody
    cdef TimerWheel timers
    cdef Terms terms
    cdef double ping_interval       # seconds; 0: no keep-alive
    cdef double close_timeout       # seconds; negative: for ever
    cdef flag masks                 # this side is the client

    cdef Endpoint new_endpoint(self)
