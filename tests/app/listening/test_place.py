import pytest

from trunkline.app.listening.place import Place


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place(host="localhost", port=80), "localhost:80"),
        (Place(host=None, port=80), "*:80"),
        (Place(host=["::1", "127.0.0.1"], port=80), "::1, 127.0.0.1:80"),
        (Place(path="/run/a"), "/run/a"),
        (Place(fd=3), "descriptor 3"),
    ],
)
def test_a_place_is_shown_as_users_write_it(place: Place, shown: str) -> None:
    assert str(place) == shown


@pytest.mark.parametrize("port", [0, 65535])
def test_every_port_is_one(port: int) -> None:
    assert Place(port=port).port == port


def test_what_is_no_number_or_two_places_is_refused() -> None:
    with pytest.raises(TypeError, match="port is a whole number, not '8000'"):
        Place(port="8000")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there are two places: path '/run/a' and descriptor 3"):
        Place(path="/run/a", fd=3)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_refused_with_both_numbers(port: int) -> None:
    with pytest.raises(ValueError, match=f"port is {port:,}, limit 65,535"):
        Place(port=port)
