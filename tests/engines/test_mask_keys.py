"""Mask keys: nobody can foresee one."""

from trunkline.engines.mask_keys import new_mask_key


def test_mask_keys_are_four_bytes_and_never_the_same() -> None:
    keys = {new_mask_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {4}
