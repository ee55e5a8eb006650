from trunkline.cli.doctor.certificate import SECONDS_OF_A_DAY, Certificate, day, read_certificate

PARTS = {
    "subject": ((("countryName", "DE"),), (("commonName", "a.example"),)),
    "issuer": ((("organizationName", "Some Authority"),),),
    "subjectAltName": (("DNS", "a.example"), ("IP Address", "192.0.2.1"), ("URI", "x:y")),
    "notBefore": "Jan  1 00:00:00 1970 GMT",
    "notAfter": "Jan  3 00:00:00 1970 GMT",
}


def test_a_certificate_is_read() -> None:
    assert read_certificate(PARTS) == Certificate(
        subject="a.example",
        issuer="Some Authority",
        names=["a.example", "192.0.2.1"],
        begins=0,
        ends=2 * SECONDS_OF_A_DAY,
    )


def test_nothing_is_no_certificate() -> None:
    assert read_certificate({}) is None


def test_a_certificate_may_say_little() -> None:
    dates = {name: PARTS[name] for name in ("notBefore", "notAfter")}
    certificate = read_certificate(dates | {"subject": (), "issuer": ()})
    assert certificate is not None
    assert (certificate.subject, certificate.is_self_issued) == ("without a name", True)
    assert certificate.names == []


def test_whole_days_are_counted() -> None:
    certificate = read_certificate(PARTS)
    assert certificate is not None
    moments = (0, 1, SECONDS_OF_A_DAY + 1, 2 * SECONDS_OF_A_DAY + 1)
    assert [certificate.days_left(now) for now in moments] == [2, 1, 0, -1]


def test_a_day_is_told_by_its_date() -> None:
    assert day(SECONDS_OF_A_DAY) == "1970-01-02"
