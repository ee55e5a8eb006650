"""The machine that the figures come from, and who runs where on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the servers, another for the load."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Take the first and the last core that we may use; they are the same if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(server=allowed[0], load=allowed[-1])


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Give the command that runs another one on a core, as the same process."""
    return ["taskset", "--cpu-list", str(core), *command]


@dataclass(frozen=True, slots=True)
class Machine:
    """What the results say about where they were made."""

    processor: str
    cores: int
    kernel: str
    python: str
    load_average: float
    """Of the last minute, when the run began: above 1 the figures are not to be trusted."""

    def as_json(self) -> dict[str, object]:
        """Give it as an object of JSON."""
        return asdict(self)


def this_machine() -> Machine:
    """Describe this machine."""
    return Machine(
        processor=processor_name(Path("/proc/cpuinfo").read_text()),
        cores=len(os.sched_getaffinity(0)),
        kernel=platform.release(),
        python=platform.python_version(),
        load_average=os.getloadavg()[0],
    )


def processor_name(cpuinfo: str) -> str:
    """Find the name of the processor in the text of /proc/cpuinfo."""
    for line in cpuinfo.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
