"""The documentation as a whole: every page is tested, every link leads somewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.page import DOCS, Page

ROOT = DOCS.parent
HERE = Path(__file__).parent
WITHOUT_CODE = {"benchmarks"}


def test_every_page_with_code_has_a_test() -> None:
    pages = {path.stem for path in DOCS.glob("*.md")}
    tested = {path.stem.removeprefix("test_").replace("_", "-") for path in HERE.glob("test_*.py")}
    assert pages - WITHOUT_CODE <= tested
    assert not any(Page(name).blocks for name in WITHOUT_CODE)


def test_the_site_is_built_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    build = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    assert (tmp_path / "limits" / "index.html").exists()
