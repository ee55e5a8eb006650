"""The states that users see."""

from trunkline.connection.state import State


def test_the_states_have_the_numbers_of_the_browser() -> None:
    numbers = {state.name: state.value for state in State}
    assert numbers == {"CONNECTING": 0, "OPEN": 1, "CLOSING": 2, "CLOSED": 3}
