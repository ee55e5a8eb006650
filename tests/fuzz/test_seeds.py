"""Every target of the fuzzer on every seed, without a fuzzer."""

from importlib import import_module
from pathlib import Path

import pytest

from fuzz.choices import Choices
from trunkline import native

FUZZ = Path(__file__).parents[2] / "fuzz"
SEEDS = sorted((FUZZ / "seeds/targets").glob("*/*"))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.parent.name}-{seed.name}")
def test_a_seed_breaks_no_promise(seed: Path) -> None:
    if seed.parent.name == "endpoint" and "endpoint" not in native.MODULES:
        pytest.skip("no endpoint is compiled")
    import_module(f"fuzz.targets.{seed.parent.name}").run(seed.read_bytes())


@pytest.mark.parametrize(("kind", "suffix"), [("targets", ".py"), ("kernels", ".c")])
def test_every_target_has_seeds(kind: str, suffix: str) -> None:
    targets = {path.stem for path in (FUZZ / kind).glob(f"*{suffix}")}
    assert {path.name for path in (FUZZ / "seeds" / kind).iterdir()} == targets


def test_choices_come_from_the_front_and_then_are_the_first() -> None:
    choices = Choices(b"\x05\x01abc")
    assert choices.one_of("wxyz") == "x"
    assert list(choices.pieces()) == [b"a", b"b", b"c"]
    assert choices.number() == 0
    assert choices.one_of("wxyz") == "w"
    assert list(choices.pieces()) == []
