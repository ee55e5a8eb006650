"""The kernels for themselves: kernels.c, beside this file, built with the sanitizers and run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import trunkline.native

KERNELS = Path(trunkline.native.__file__).with_name("kernels")
COMPILER = shutil.which("cc")
SANITIZERS = "-fsanitize=address,undefined"

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here"),
    pytest.mark.skipif(not KERNELS.is_dir(), reason="the kernels are not installed as source"),
]


def build(target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Compile the kernels and their checks."""
    sources = [Path(__file__).with_name("kernels.c"), *sorted(KERNELS.glob("*.c"))]
    strict = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", f"-I{KERNELS}"]
    command = [str(COMPILER), *strict, *options, *map(str, sources), "-o", str(target)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_kernels_keep_their_promises_and_their_bounds(tmp_path: Path) -> None:
    program = tmp_path / "kernels"
    built = build(program, SANITIZERS, "-fno-sanitize-recover=all")
    if "cannot find" in built.stderr:  # a compiler without the libraries of the sanitizers
        built = build(program)
    assert built.returncode == 0, built.stderr
    run = subprocess.run([program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert {"mask portable", "headers", "heads", "accept", "utf8"} <= set(run.stdout.splitlines())
