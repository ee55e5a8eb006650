"""Tests that ask for the C library's own malloc: a sanitizer brings another."""

from __future__ import annotations

import os

import pytest

needs_own_malloc = pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""), reason="ASan's malloc stands in its place"
)
