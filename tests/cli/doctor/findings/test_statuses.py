import pytest

from trunkline.cli.doctor.findings.statuses import explain_status


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (200, "a web page answers, or a proxy that does not pass Upgrade on"),
        (204, "a web page answers"),
        (304, "the server sends the client elsewhere"),
        (401, "the server wants to know who you are"),
        (404, "there is nothing at this path"),
        (418, "the server refuses the request"),
        (426, "the request arrived without Upgrade"),
        (429, "too many requests of yours"),
        (502, "a proxy in front gets no answer from the server behind it"),
        (504, "a proxy in front waits for the server behind it in vain"),
        (521, "Cloudflare"),
        (599, "the server fails, or a proxy in front of it"),
        (999, "nobody knows"),
    ],
)
def test_a_status_is_explained(status: int, what: str) -> None:
    problem = explain_status(status)
    assert what in problem.what
    assert problem.advice
