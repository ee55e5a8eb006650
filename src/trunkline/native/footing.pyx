# No twin: in the reference each link asks its setting.
# Owns nothing. Runs on the loop's thread.
"""What connections have in common: looked up once, for all of them."""

from trunkline.native.endpoint cimport Endpoint
from trunkline.native.endpoint cimport new_endpoint as endpoint_on
from trunkline.native.terms cimport terms_of


cdef class Footing:
    def __cinit__(self, setting, agreement, new_mask_key, new_deflate, new_meter=None):
        limits = setting.limits
        self.setting, self.agreement = setting, agreement
        self.new_deflate, self.new_meter = new_deflate, new_meter
        self.traffic = setting.traffic
        self.when_lost = setting.when_lost
        self.timers = setting.engine.timers
        self.masks = setting.role.masks
        self.terms = terms_of(limits, new_mask_key if self.masks else None)
        self.ping_interval = limits.ping_interval or 0.0
        self.minds_stalls = limits.max_stall is not None
        self.close_timeout = -1.0 if limits.close_timeout is None else limits.close_timeout

    cdef Endpoint new_endpoint(self):
        deflate = None if self.new_deflate is None else self.new_deflate()
        return endpoint_on(self.terms, self.masks, deflate)
