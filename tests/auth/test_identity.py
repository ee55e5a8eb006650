"""What is known of somebody."""

from trunkline.auth.identity import Identity


def test_a_name_is_enough() -> None:
    identity = Identity("ada")
    assert (identity.user, dict(identity.claims), identity.expires_at) == ("ada", {}, None)
