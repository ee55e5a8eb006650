# What connections stand on that have the same setting, and have agreed on the same.
cimport cython

from trunkline.native.endpoint cimport Endpoint
from trunkline.native.flag cimport flag
from trunkline.native.terms cimport Terms
from trunkline.native.timer_wheel cimport TimerWheel
from trunkline.native.traffic cimport Traffic


@cython.final
cdef class Footing:
    cdef readonly object setting    # connection.setting.Setting
    cdef readonly object agreement  # protocol.handshake.Agreement
    cdef object new_deflate         # makes the extension of one connection; None for none
    cdef object when_lost           # callable; None for nobody
    cdef object new_meter           # makes what stands before a connection; None: without rates
    cdef Traffic traffic
    cdef TimerWheel timers
    cdef Terms terms
    cdef double ping_interval       # seconds; 0: no keep-alive
    cdef double close_timeout       # seconds; negative: for ever
    cdef flag minds_stalls          # limits.max_stall is set
    cdef flag masks                 # this side is the client

    cdef Endpoint new_endpoint(self)
