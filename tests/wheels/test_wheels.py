"""What a user gets: wheels from the source distribution, with a working compiler and without."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from trunkline.native import NAMES, OPTIONAL

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("programs") / "echo.py"
SOURCES = {".pyx", ".pxd", ".c", ".h"}
PYTHON = {".py", ".pyi"}

BUILD_SDIST = "import sys, scikit_build_core.build as b; b.build_sdist(sys.argv[1])"
BUILD_WHEEL = ["-m", "pip", "wheel", "-v", "--no-index", "--no-build-isolation", "--no-deps"]
# What is looked at here is the same, and it takes a fraction of the time.
QUICKLY = ["-C", "cmake.define.TRUNKLINE_OPTIMIZE=-O0"]

# Where the build packages are: beside the interpreter, whatever the shell knows.
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def run(*argv: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *argv],
        cwd=cwd,
        env={**os.environ, "PATH": TOOLS, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class Wheel:
    """A wheel that was built from the source distribution."""

    def __init__(self, folder: Path, sdist: Path, **environment: str) -> None:
        subprocess.run(["tar", "xf", str(sdist), "-C", str(folder)], check=True)
        (source,) = folder.iterdir()
        self.log = run(*BUILD_WHEEL, *QUICKLY, "-w", str(folder), ".", cwd=source, **environment)
        (self.path,) = folder.glob("*.whl")
        with zipfile.ZipFile(self.path) as archive:
            self.files = set(archive.namelist())
            archive.extractall(folder / "installed")

    def files_like(self, *suffixes: str) -> set[str]:
        return {name for name in self.files if Path(name).suffix in suffixes}

    def used(self) -> dict[str, Any]:
        """Use it with the standard library alone: neither this tree nor site-packages is seen."""
        place = self.path.parent / "installed"
        found = json.loads(run("-I", "-S", str(PROGRAM), str(place), cwd=place))
        assert Path(found.pop("from")).is_relative_to(place)
        return dict(found)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run("-c", BUILD_SDIST, str(folder), cwd=REPOSITORY)
    (path,) = folder.glob("trunkline-*.tar.gz")
    return path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, sdist: Path) -> Wheel:
    return Wheel(tmp_path_factory.mktemp("compiled"), sdist)


BREAKAGES = {
    "a compiler that fails": {"CC": "/bin/false"},
    "no compiler": {"CC": "/nonexistent/cc"},
    "no generator": {"CMAKE_GENERATOR": "No Such Generator"},
}


@pytest.fixture(scope="module", params=BREAKAGES)
def pure(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sdist: Path
) -> Wheel:
    return Wheel(tmp_path_factory.mktemp("pure"), sdist, **BREAKAGES[request.param])


def our_python() -> set[str]:
    """Name the Python files of this tree, as a wheel does."""
    source = REPOSITORY / "src"
    found = (path for path in source.rglob("*") if path.suffix in PYTHON)
    return {path.relative_to(source).as_posix() for path in found}


def names_in(archive: Path) -> set[str]:
    with tarfile.open(archive) as opened:
        return {name.partition("/")[2] for name in opened.getnames()}


def test_the_source_distribution_holds_all_sources(sdist: Path) -> None:
    native = REPOSITORY / "src/trunkline/native"
    sources = {path for path in native.rglob("*") if path.suffix in SOURCES}
    needed = {path.relative_to(REPOSITORY).as_posix() for path in sources}
    assert names_in(sdist) >= needed | {"CMakeLists.txt", "pyproject.toml", "LICENSE", "README.md"}


def test_the_source_distribution_holds_nothing_built(sdist: Path) -> None:
    assert not [name for name in names_in(sdist) if Path(name).suffix in {".so", ".o", ".pyc"}]


def test_a_compiler_makes_a_wheel_for_this_python(compiled: Wheel) -> None:
    assert compiled.path.name.split("-")[2].startswith("cp3")
    built = {Path(name).name.split(".")[0] for name in compiled.files_like(".so")}
    assert set(NAMES) <= built <= {*NAMES, *OPTIONAL}


def test_a_compiled_wheel_holds_python_and_no_sources(compiled: Wheel) -> None:
    assert not compiled.files_like(*SOURCES)
    assert compiled.files_like(*PYTHON) == our_python()


def test_a_compiled_wheel_works(compiled: Wheel) -> None:
    found = compiled.used()
    assert set(NAMES) <= set(found.pop("modules")) <= {*NAMES, *OPTIONAL}
    assert found == {"echo": "hello", "available": True, "why_not": None}


def test_without_a_compiler_there_is_a_pure_wheel_that_says_so(pure: Wheel) -> None:
    assert pure.path.name.endswith("-py3-none-any.whl")
    assert "this is the pure wheel, without the native engine" in pure.log


def test_a_pure_wheel_holds_python_and_nothing_else(pure: Wheel) -> None:
    assert not pure.files_like(*SOURCES, ".so")
    assert pure.files_like(*PYTHON) == our_python()


def test_a_pure_wheel_works_and_knows_what_it_is(pure: Wheel) -> None:
    assert pure.used() == {
        "echo": "hello",
        "available": False,
        "why_not": f"this build has no compiled trunkline.native.{NAMES[0]}",
        "modules": [],
    }
