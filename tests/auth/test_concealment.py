"""Values of a request are replaced where they stand."""

from tests.auth.openings import opening
from trunkline.auth.concealment import MASK, change_values, mask_value


def test_every_value_of_a_header_is_masked_in_its_place() -> None:
    request = opening("/", ("Authorization", "a"), ("Accept", "b"), ("AUTHORIZATION", "c"))
    change_values(request, "authorization", mask_value)
    assert list(request.headers.raw_items()) == [
        ("Host", "example.com"),
        ("Authorization", MASK),
        ("Accept", "b"),
        ("AUTHORIZATION", MASK),
    ]


def test_a_request_without_the_header_stays_as_it_is() -> None:
    request = opening()
    headers = request.headers
    change_values(request, "Authorization", mask_value)
    assert request.headers is headers
