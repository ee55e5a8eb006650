"""What a link tells those who send on it beside its user."""

from trunkline.connection.follower import Follower
from trunkline.connection.subscription import Subscription

METHODS = {name for name in vars(Follower) if not name.startswith("_")}


def test_a_subscription_takes_all_that_a_link_tells() -> None:
    assert vars(Subscription).keys() >= METHODS
    assert "ending" in METHODS
