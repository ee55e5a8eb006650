"""What every test shares: how hard hypothesis tries (HYPOTHESIS_PROFILE=nightly: most), signals."""

import gc
import os
import signal

from hypothesis import HealthCheck, settings

# How fast examples come says something about the machine, and nothing about the code.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run, so that a failure is a failure of the change at hand.
settings.register_profile("ci", untimed, derandomize=True)
# New examples each night; a failure prints what reproduces it.
settings.register_profile("nightly", untimed, max_examples=20_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

if hasattr(signal, "SIGHUP"):
    # `nohup` has everything that it starts ignore what tests send.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays: every collection would go through all the tests."""
    gc.collect()
    gc.freeze()
