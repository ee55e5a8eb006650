from dataclasses import FrozenInstanceError

import pytest

from trunkline.cli.doctor.facts import Lookup, Security


def test_facts_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Lookup(host="a.example").host = "b.example"  # type: ignore[misc]


def test_a_certificate_counts_as_checked_unless_it_is_said_not_to_be() -> None:
    assert Security(seconds=0.0).is_checked
