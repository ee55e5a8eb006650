"""Figures for Prometheus, by prometheus-client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from trunkline.app.observation.figures import FIGURES, Figure
from trunkline.app.observation.snapshot import Snapshot
from trunkline.app.routing.http import HttpRequest
from trunkline.protocol.http1 import Response, make_response

if TYPE_CHECKING:
    from prometheus_client.core import Metric

MISSING = "metrics need prometheus-client: pip install 'trunkline[app]'"

WORKER = "worker"
"""The label of every metric: each process counts for itself, so that a restart is no jump."""


class Metrics:
    """Answers with the figures of every process of an application.

    Args:
        take: gives the snapshots.
        registry: of prometheus-client, whose figures are in the answer, too.

    Raises:
        ImportError: prometheus-client is not installed.
    """

    def __init__(self, take: Callable[[], Awaitable[Sequence[Snapshot]]], registry: Any) -> None:
        try:
            from prometheus_client import core, exposition
        except ImportError:
            raise ImportError(MISSING) from None
        self._core = core
        self._choose = exposition.choose_encoder
        self._take = take
        self._registry = registry

    async def answer(self, request: HttpRequest) -> Response:
        """Answer in the form that the asker prefers."""
        snapshots = await self._take()
        encode, content_type = self._choose(request.headers.get_list("Accept") or "")
        others = () if self._registry is None else self._registry.collect()
        found = Collected([*others, *self.families(snapshots)])
        return make_response(HTTPStatus.OK, encode(found), {"Content-Type": content_type})

    def families(self, snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
        """Make the metrics of some snapshots."""
        for figure in FIGURES:
            family = self._new_family(figure)
            for snapshot in snapshots:
                worker = str(snapshot[WORKER])
                for labels, value in figure.read(snapshot):
                    add(family, [*labels, worker], value)
            yield family

    def _new_family(self, figure: Figure) -> Any:
        make = {
            "gauge": self._core.GaugeMetricFamily,
            "counter": self._core.CounterMetricFamily,
            "histogram": self._core.HistogramMetricFamily,
        }[figure.kind]
        return make(f"trunkline_{figure.name}", figure.what, labels=[*figure.labels, WORKER])


class Collected:
    """Metrics as prometheus-client wants to be given them."""

    def __init__(self, metrics: list[Any]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Any]:
        """Give all of them."""
        return iter(self._metrics)


def add(family: Any, labels: list[str], value: Any) -> None:
    """Add a number to a metric, or what a `Histogram` has told."""
    if isinstance(value, dict):
        family.add_metric(labels, value["buckets"], value["sum"])
    else:
        family.add_metric(labels, value)
