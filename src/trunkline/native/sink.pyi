from trunkline.native.timer_wheel import Timed

class Sink(Timed):
    """Takes bytes in place, without a bytes object; and is the one timer that it needs."""
