"""permessage-deflate is agreed on as RFC 7692 says: every offer, every answer, every refusal."""

from itertools import product

import pytest

from trunkline.errors import NegotiationError
from trunkline.protocol.extensions import (
    Deflate,
    DeflateParameters,
    Direction,
    answer_offers,
    choose_deflate,
    encode_offer,
    encode_parameters,
    parse_answer,
)

NAME = "permessage-deflate"
WINDOWS = range(8, 16)
FLAGS = [False, True]
GENEROUS = Deflate(
    server_no_context_takeover=False,
    client_no_context_takeover=False,
    server_max_window_bits=15,
    client_max_window_bits=15,
)
DEFAULTS = DeflateParameters(server=Direction(), client=Direction())
INVALID_PARAMETERS = [
    "unknown",
    "unknown=1",
    "server_no_context_takeover=true",
    "client_no_context_takeover=1",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=010",
    "server_max_window_bits=+9",
    "server_max_window_bits=9.0",
    "server_max_window_bits=nine",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=08",
    "SERVER_MAX_WINDOW_BITS=10",
    "server_no_context_takeover; server_no_context_takeover",
    "client_max_window_bits; client_max_window_bits=10",
]


def deflates() -> list[Deflate]:
    """Give every wish there is, with a few windows."""
    return [
        Deflate(
            server_no_context_takeover=server_forgets,
            client_no_context_takeover=client_forgets,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
        )
        for server_forgets, client_forgets, server_bits, client_bits in product(
            FLAGS, FLAGS, (8, 12, 15), (8, 12, 15)
        )
    ]


def answered(offers: str, wanted: Deflate = GENEROUS) -> tuple[DeflateParameters, str]:
    """Give what a server agrees to."""
    answer = answer_offers(offers, wanted)
    assert answer is not None
    return answer


# What this side wants


@pytest.mark.parametrize("bits", WINDOWS)
def test_windows_are_8_to_15_bits(bits: int) -> None:
    assert Deflate(server_max_window_bits=bits).server_max_window_bits == bits


@pytest.mark.parametrize("bits", [-15, 0, 7, 16])
def test_other_windows_are_refused_with_the_number(bits: int) -> None:
    with pytest.raises(ValueError, match=f"window bits are {bits}, not 8 to 15"):
        Deflate(server_max_window_bits=bits)
    with pytest.raises(ValueError, match=f"window bits are {bits}, not 8 to 15"):
        Deflate(client_max_window_bits=bits)


def test_compression_is_wanted_by_name_in_detail_or_not_at_all() -> None:
    assert choose_deflate("deflate") == Deflate()
    assert choose_deflate(GENEROUS) is GENEROUS
    assert choose_deflate(None) is None


def test_compression_of_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="compression is 'gzip'; it can be 'deflate'"):
        choose_deflate("gzip")


# The client's offer


@pytest.mark.parametrize(
    ("wanted", "offer"),
    [
        (
            Deflate(),
            f"{NAME}; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=12; client_max_window_bits=12",
        ),
        (GENEROUS, f"{NAME}; client_max_window_bits=15"),
    ],
)
def test_an_offer_says_what_differs_from_the_rfc_and_that_a_window_may_be_chosen(
    wanted: Deflate, offer: str
) -> None:
    assert encode_offer(wanted) == offer


# The server's answer


@pytest.mark.parametrize("client", deflates(), ids=str)
def test_both_sides_agree_on_the_smaller_window_and_the_shorter_memory(client: Deflate) -> None:
    for server in deflates():
        agreed, answer = answered(encode_offer(client), server)
        assert parse_answer(answer, client) == agreed
        assert agreed == DeflateParameters(
            server=Direction(
                client.server_no_context_takeover or server.server_no_context_takeover,
                min(client.server_max_window_bits, server.server_max_window_bits),
            ),
            client=Direction(
                client.client_no_context_takeover or server.client_no_context_takeover,
                min(client.client_max_window_bits, server.client_max_window_bits),
            ),
        )


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        (NAME, NAME),
        (f"{NAME}; server_no_context_takeover", f"{NAME}; server_no_context_takeover"),
        (f"{NAME}; client_no_context_takeover", f"{NAME}; client_no_context_takeover"),
        (f"{NAME}; server_max_window_bits=10", f"{NAME}; server_max_window_bits=10"),
        (f"{NAME}; server_max_window_bits=15", f"{NAME}; server_max_window_bits=15"),
        (f"{NAME}; client_max_window_bits", f"{NAME}; client_max_window_bits=15"),
        (f"{NAME}; client_max_window_bits=9", f"{NAME}; client_max_window_bits=9"),
        (f'{NAME}; server_max_window_bits="10"', f"{NAME}; server_max_window_bits=10"),
        (f"x-webkit-deflate-frame, {NAME}", NAME),
        (f"{NAME}; unknown, {NAME}; server_max_window_bits=9", f"{NAME}; server_max_window_bits=9"),
        (f"{NAME}; server_max_window_bits=9, {NAME}", f"{NAME}; server_max_window_bits=9"),
    ],
)
def test_the_first_offer_that_can_be_is_accepted(offers: str, answer: str) -> None:
    assert answered(offers)[1] == answer


def test_a_server_may_do_less_than_was_offered() -> None:
    agreed, answer = answered(NAME, Deflate())
    assert answer == (
        f"{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
    )
    # Who has not named its window cannot be told to shrink it: §7.1.2.2.
    assert agreed == DeflateParameters(server=Direction(True, 12), client=Direction(True, 15))


@pytest.mark.parametrize("parameters", INVALID_PARAMETERS)
def test_an_offer_with_a_parameter_that_is_not_valid_is_declined(parameters: str) -> None:
    assert answer_offers(f"{NAME}; {parameters}", GENEROUS) is None


@pytest.mark.parametrize("offers", [None, "permessage-bzip2", "Permessage-Deflate"])
def test_without_an_offer_there_is_no_compression(offers: str | None) -> None:
    assert answer_offers(offers, GENEROUS) is None


def test_a_server_that_wants_none_accepts_none() -> None:
    assert answer_offers(NAME, None) is None


@pytest.mark.parametrize("wanted", [GENEROUS, None])
@pytest.mark.parametrize("offers", ["", f"{NAME};", f"{NAME} {NAME}", f"{NAME}; a=", "@"])
def test_a_header_that_breaks_the_grammar_is_refused_either_way(
    offers: str, wanted: Deflate | None
) -> None:
    with pytest.raises(ValueError, match=r"is named|no token|is missing"):
        answer_offers(offers, wanted)


# What the client makes of the answer


def test_no_answer_is_no_compression() -> None:
    assert parse_answer(None, GENEROUS) is None
    assert parse_answer(None, None) is None


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [
        (NAME, DEFAULTS),
        (
            f"{NAME}; server_no_context_takeover; server_max_window_bits=8",
            DeflateParameters(server=Direction(True, 8), client=Direction()),
        ),
        (
            f"{NAME}; client_no_context_takeover; client_max_window_bits=9",
            DeflateParameters(server=Direction(), client=Direction(True, 9)),
        ),
    ],
)
def test_an_answer_may_ask_for_less_than_the_offer(answer: str, agreed: DeflateParameters) -> None:
    assert parse_answer(answer, GENEROUS) == agreed


def test_the_client_keeps_to_what_it_wanted_itself_when_the_answer_is_silent() -> None:
    wanted = Deflate(client_max_window_bits=10)
    agreed = parse_answer(NAME, wanted)
    assert agreed == DeflateParameters(server=Direction(False, 15), client=Direction(True, 10))


@pytest.mark.parametrize("parameters", INVALID_PARAMETERS)
def test_an_answer_with_a_parameter_that_is_not_valid_is_refused(parameters: str) -> None:
    with pytest.raises(NegotiationError, match=f"^{NAME} parameter .* is (not valid|repeated)$"):
        parse_answer(f"{NAME}; {parameters}", GENEROUS)


def test_an_answer_names_the_client_s_window_with_its_value() -> None:
    with pytest.raises(NegotiationError, match="client_max_window_bits has no value"):
        parse_answer(f"{NAME}; client_max_window_bits", GENEROUS)


@pytest.mark.parametrize("side", ["server", "client"])
def test_an_answer_may_not_raise_a_window(side: str) -> None:
    wanted = Deflate(server_max_window_bits=10, client_max_window_bits=10)
    assert parse_answer(f"{NAME}; {side}_max_window_bits=10", wanted) is not None
    with pytest.raises(NegotiationError, match="window bits are 11, at most 10 were offered"):
        parse_answer(f"{NAME}; {side}_max_window_bits=11", wanted)


@pytest.mark.parametrize(
    ("answer", "wanted", "problem"),
    [
        (NAME, None, f"extension {NAME} was not offered"),
        ("permessage-bzip2", GENEROUS, "extension permessage-bzip2 was not offered"),
        (f"{NAME}, foo", GENEROUS, "extension foo was not offered"),
        (f"{NAME}, {NAME}", GENEROUS, f"extension {NAME} was accepted 2 times"),
        ("", GENEROUS, "Sec-WebSocket-Extensions cannot be read: no extension is named"),
        (f"{NAME};", None, "Sec-WebSocket-Extensions cannot be read"),
    ],
)
def test_an_answer_that_does_not_fit_the_offer_is_refused(
    answer: str, wanted: Deflate | None, problem: str
) -> None:
    with pytest.raises(NegotiationError, match=problem):
        parse_answer(answer, wanted)


# What is shown


@pytest.mark.parametrize("window_bits", WINDOWS)
@pytest.mark.parametrize("forgets", FLAGS)
def test_what_was_agreed_on_can_be_read_back(window_bits: int, forgets: bool) -> None:
    for client in (Direction(), Direction(True, 9)):
        agreed = DeflateParameters(Direction(forgets, window_bits), client)
        assert parse_answer(encode_parameters(agreed), GENEROUS) == agreed


def test_the_defaults_of_the_rfc_go_without_saying() -> None:
    assert encode_parameters(DEFAULTS) == NAME
