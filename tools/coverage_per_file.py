"""Demands that every source file is covered by its own test file alone, lines and branches.

Run from the top of the repository after ``pytest --cov -p tools.coverage_by_file``. What a test of
another file happens to run does not count; what runs while modules are imported does.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from coverage import Coverage

SOURCE = Path("src")
TESTS = Path("tests")


def own_test(source: Path) -> Path:
    """Name the test file that has to cover a source file."""
    _, _, *folders, _ = source.parts  # src, the package, …, the file
    place = TESTS.joinpath(*folders)
    if source.name == "__init__.py":
        return place / f"test_{source.parent.name}_package.py"
    return place / f"test_{source.stem.strip('_')}.py"


def is_declaration(statement: ast.stmt) -> bool:
    """Tell whether a statement only imports, documents, or lists the public names."""
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
    return isinstance(statement, ast.Import | ast.ImportFrom)


def needs_test(source: Path) -> bool:
    """Tell whether a file holds anything to test; only an ``__init__.py`` may not."""
    if source.name != "__init__.py":
        return True
    return not all(map(is_declaration, ast.parse(source.read_text()).body))


def half_taken(coverage: Coverage, source: Path, missing: list[int]) -> Iterator[str]:
    """Yield the lines that ran, but not in every direction, with what was taken of them."""
    for line, (exits, taken) in coverage.branch_stats(str(source)).items():
        if taken < exits and line not in missing:
            yield f"{line} ({taken} of {exits})"


def describe_gap(coverage: Coverage, source: Path) -> str:
    """Describe what the data in view leaves uncovered of a file; empty when nothing is."""
    _, _, _, missing, missing_lines = coverage.analysis2(str(source))
    branches = ", ".join(half_taken(coverage, source, missing))
    parts = (f"lines {missing_lines}" * bool(missing), f"branches at {branches}" * bool(branches))
    return "; ".join(filter(None, parts))


def find_gaps() -> Iterator[str]:
    """Yield one line for every source file that its own test file does not cover."""
    coverage = Coverage()
    coverage.load()
    sources = sorted(SOURCE.rglob("*.py"))
    if not sources:
        yield f"{SOURCE}: holds no source file; run this from the top of the repository"
    for source in filter(needs_test, sources):
        test = own_test(source)
        if not test.exists():
            yield f"{source}: has no test file {test}"
            continue
        # The empty context is what ran outside of any test: the import of the modules.
        coverage.get_data().set_query_contexts(["^$", f"^{re.escape(test.as_posix())}$"])
        if gap := describe_gap(coverage, source):
            yield f"{source}: {test} does not cover {gap}"


def main() -> int:
    """Print the gaps and return the exit status."""
    gaps = list(find_gaps())
    for gap in gaps:
        print(gap)
    print(f"files not covered by their own test file: {len(gaps)}")
    return bool(gaps)


if __name__ == "__main__":
    sys.exit(main())
