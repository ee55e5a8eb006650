"""IP addresses: one form for each, so that no limit can be dodged by writing one differently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.protocol.ip_address import bucket_of, normalize, parse_ip


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::FFFF:7f00:1", "127.0.0.1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("::127.0.0.1", "::7f00:1"),
    ],
)
def test_an_address_has_one_form(written: str, usual: str) -> None:
    assert str(parse_ip(written)) == normalize(written) == usual


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.0.0.1", "1.2.3.4 ", "[::1]", "::1::", "h"]
)
def test_what_is_no_address_is_refused_and_stays_a_name(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        parse_ip(text)
    assert normalize(text) == text


def test_an_address_has_at_most_45_characters_and_so_has_the_error() -> None:
    longest = "0001:0002:0003:0004:0005:0006:255.255.255.255"
    assert str(parse_ip(longest)) == "1:2:3:4:5:6:ffff:ffff"
    with pytest.raises(ValueError) as caught:
        parse_ip("1" * 10_000)
    assert str(caught.value) == f"'{'1' * 45}'… is not an address: it has over 45 characters"
    assert normalize("1" * 10_000) == "1" * 10_000


def test_a_zone_is_known_only_where_a_socket_tells_it() -> None:
    with pytest.raises(ValueError, match=r"'fe80::1%eth0' is an address with a zone"):
        parse_ip("fe80::1%eth0")
    assert normalize("fe80::1%eth0") == "fe80::1"


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
        ("unix", "unix"),
        ("", ""),
        (":", ":"),
    ],
)
def test_limits_count_by_address_or_by_the_network_of_one_customer(
    address: str, bucket: str
) -> None:
    assert bucket_of(address) == bucket


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_whoever_has_one_address_cannot_leave_his_bucket(address: object, own: int) -> None:
    network = int(address) >> 64 << 64  # type: ignore[call-overload]
    other = type(address)(network | own)  # type: ignore[call-arg]
    if "." not in bucket_of(str(address)) and "." not in bucket_of(str(other)):
        assert bucket_of(str(address)) == bucket_of(str(other))


@given(st.text())
def test_any_name_has_a_bucket(name: str) -> None:
    assert isinstance(bucket_of(name), str)
