"""Tests of applications: no sockets, no waiting, and no test that hangs."""

from trunkline.testing.clock import Clock
from trunkline.testing.connection import TestConnection
from trunkline.testing.failure import Failure, Refused
from trunkline.testing.house import House, serve
from trunkline.testing.line import Line, Toward
from trunkline.testing.weather import Weather

__all__ = [
    "Clock",
    "Failure",
    "House",
    "Line",
    "Refused",
    "TestConnection",
    "Toward",
    "Weather",
    "serve",
]
