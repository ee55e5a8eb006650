"""WebSockets for Python, client and server."""

from trunkline.version import VERSION

__version__ = VERSION
