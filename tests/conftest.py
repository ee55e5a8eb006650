"""What every test shares: how hard hypothesis tries (HYPOTHESIS_PROFILE=nightly: far more)."""

import os

from hypothesis import settings

# The same examples in every run, so that a failure is a failure of the change at hand.
settings.register_profile("ci", derandomize=True, deadline=None)
# New examples each night; a failure prints what reproduces it.
settings.register_profile("nightly", max_examples=20_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
