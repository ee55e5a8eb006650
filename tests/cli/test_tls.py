import ssl
from dataclasses import replace
from typing import cast

import pytest
import trustme

from trunkline.app.listening.failure import StartFailure
from trunkline.cli.arguments import ConnectArguments, ServeArguments, parse_arguments
from trunkline.cli.exit_code import ExitCode
from trunkline.cli.failures import Failure
from trunkline.cli.tls import client_context, server_context

CLIENT = cast(ConnectArguments, parse_arguments(["connect", "wss://x"]))
SERVER = cast(ServeArguments, parse_arguments(["serve", "m:h"]))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    cert = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca"))
    cert.cert_chain_pems[0].write_to_path(str(folder / "cert"))
    cert.private_key_pem.write_to_path(str(folder / "key"))
    cert.private_key_and_cert_chain_pem.write_to_path(str(folder / "both"))
    (folder / "text").write_text("no certificate")
    return {name: str(folder / name) for name in ("ca", "cert", "key", "both", "text", "missing")}


def test_by_default_the_library_chooses() -> None:
    assert client_context(CLIENT) is None
    assert server_context(SERVER) is None


def test_an_insecure_client_checks_nothing() -> None:
    context = client_context(replace(CLIENT, insecure=True))
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


def test_a_client_trusts_further_authorities(files: dict[str, str]) -> None:
    context = client_context(replace(CLIENT, ca=files["ca"]))
    usual = ssl.create_default_context()
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.cert_store_stats()["x509_ca"] == usual.cert_store_stats()["x509_ca"] + 1


@pytest.mark.parametrize(("cert", "key"), [("cert", "key"), ("both", None)])
def test_both_sides_may_have_a_certificate(
    files: dict[str, str], cert: str, key: str | None
) -> None:
    key_file = None if key is None else files[key]
    client = client_context(replace(CLIENT, cert=files[cert], key=key_file))
    server = server_context(replace(SERVER, cert=files[cert], key=key_file))
    assert client is not None and client.verify_mode is ssl.CERT_REQUIRED
    assert server is not None and server.verify_mode is ssl.CERT_NONE


def test_a_client_in_the_clear_has_no_use_for_certificates() -> None:
    with pytest.raises(Failure, match="need a wss:// address") as failure:
        client_context(replace(CLIENT, uri="WS://x", insecure=True))
    assert failure.value.exit_code is ExitCode.USAGE


def test_a_key_needs_a_certificate() -> None:
    for arguments in (replace(CLIENT, key="k"), replace(SERVER, key="k")):
        with pytest.raises(Failure, match="--key needs --cert") as failure:
            if isinstance(arguments, ConnectArguments):
                client_context(arguments)
            else:
                server_context(arguments)
        assert failure.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("file", "words"),
    [("missing", "No such file or directory"), ("text", "no certificate or crl found")],
)
def test_unusable_authorities_are_named(files: dict[str, str], file: str, words: str) -> None:
    with pytest.raises(Failure) as failure:
        client_context(replace(CLIENT, ca=files[file]))
    assert str(failure.value) == f"cannot use the certificates in {files[file]}: {words}"


@pytest.mark.parametrize(
    ("cert", "key", "words"),
    [
        ("missing", None, "{missing}: No such file or directory"),
        ("text", None, "{text}: no PEM data of this kind in it"),
        ("cert", "missing", "{cert} with the key {missing}: No such file or directory"),
    ],
)
def test_unusable_certificates_are_named(
    files: dict[str, str], cert: str, key: str | None, words: str
) -> None:
    key_file = None if key is None else files[key]
    with pytest.raises(StartFailure) as failure:
        server_context(replace(SERVER, cert=files[cert], key=key_file))
    assert str(failure.value) == "cannot use the certificate " + words.format(**files)
