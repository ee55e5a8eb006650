import ssl
from pathlib import Path

import pytest
import trustme

from trunkline.app.listening.certificate import Certificate, certificate_of, words
from trunkline.app.listening.failure import StartFailure


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    issued = trustme.CA().issue_cert("localhost")
    cert, key = tmp_path / "cert", tmp_path / "key"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    return cert, key


def test_a_context_is_made_of_what_the_files_hold(files: tuple[Path, Path]) -> None:
    certificate = certificate_of(*files)
    assert certificate is not None
    assert certificate.context().cert_store_stats()["x509"] == 0


def test_no_certificate_is_none() -> None:
    assert certificate_of(None, None) is None


def test_a_key_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="tls_key needs tls_cert"):
        certificate_of(None, "key")


def test_a_file_that_is_missing_is_told() -> None:
    with pytest.raises(StartFailure, match="cannot use the certificate gone: No such file"):
        Certificate("gone").context()


def test_a_file_with_something_else_in_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    name = str(tmp_path / "text")
    with pytest.raises(StartFailure, match=f"{name} with the key {name}: no PEM data of this kind"):
        Certificate(name, name).context()


def test_the_words_of_openssl_are_readable() -> None:
    error = ssl.SSLError(1, "text")
    error.reason = "KEY_VALUES_MISMATCH"
    assert words(error) == "key values mismatch"
    assert words(OSError("odd")) == "odd"
