"""A plugin of pytest: what is compiled finds asyncio as in CPython 3.14: C shares no dict."""

import sys
from asyncio import tasks
from unittest.mock import patch

with (
    patch.object(sys, "version_info", (3, 14, 0, "final", 0)),
    patch.object(tasks, "_current_tasks", {}),
):
    import trunkline.native.wakeup  # noqa: F401
