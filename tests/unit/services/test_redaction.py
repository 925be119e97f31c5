"""Redaction: what must go, what must stay, and that an ordinary line costs next to nothing."""

import logging
import timeit

import pytest

from models.secret import SealedSecret, Secret
from services.redaction import RedactingFormatter, redact

LEAKS = [
    ("postgresql://desk:hunter2@db1:5432/desk", "hunter2"),
    ("postgresql://desk:p%40ss@db1/desk", "p%40ss"),
    ("could not connect to postgresql://desk:p@ss/w:rd@db1:5432/desk now", "ss/w:rd"),
    ("postgresql://:onlypassword@db1/", "onlypassword"),
    ("redis+tls://a:hunter2@[::1]:6379", "hunter2"),
    ("connection to host=db1 user=desk password=hunter2 failed", "hunter2"),
    ("dsn: password='two words' host=db1", "two words"),
    (r"dsn: password='it\'s hunter2' host=db1", "hunter2"),
    ('{"api_key": "AKIA1234", "name": "x"}', "AKIA1234"),
    ('{"api_secret":"with \\" quote hunter2"}', "hunter2"),
    ("{'api_passphrase': 'two words'}", "two words"),
    ("Row(api_secret=b'hunter2')", "hunter2"),
    ('text of JSON in JSON: {\\"secret\\": \\"hunter2\\"}', "hunter2"),
    ("X-MBX-APIKEY: AKIA1234", "AKIA1234"),
    ("{'OK-ACCESS-KEY': 'AKIA1234', 'OK-ACCESS-SIGN': 'abc='}", "abc="),
    ("Authorization: Bearer abcdef.ghi-jkl", "abcdef.ghi-jkl"),
    ("authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
    ("İ" * 50 + " password=hunter2", "hunter2"),
    ("sent bearer abcdef.ghi-jkl to", "abcdef.ghi-jkl"),
    ("GET /v5/order?apiKey=AKIA1234&signature=abcdef&x=1", "AKIA1234"),
    ("GET /v5/order?apiKey=AKIA1234&signature=abcdef&x=1", "abcdef"),
    ("PASSWORD : hunter2", "hunter2"),
    ("token=>hunter2", "hunter2"),
    ("client_secret=hunter2,next=1", "hunter2"),
    ('"secret": "cut off in the midd', "cut off"),
    ("sealed as cts1.0123456789ab.AAECAwQFBgcICQoL+/==", "AAECAwQF"),
    ("privateKey: hunter2", "hunter2"),
    ('{"secrets": ["one", "hunter2"], "x": 1}', "hunter2"),
    ("secrets=('one', 'hunter2')", "hunter2"),
    ("{'credentials': {'k': 'hunter2'}}", "hunter2"),
    ('{"key": "AKIA1234", "sign": "abcdef"}', "AKIA1234"),
    ('{"key": "AKIA1234", "sign": "abcdef"}', "abcdef"),
]


@pytest.mark.parametrize(("text", "leak"), LEAKS)
def test_goes(text: str, leak: str) -> None:
    assert leak in text
    cleaned = redact(text, [])
    assert leak not in cleaned
    assert "***" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Opened data/cts.db in 12 ms: 1,000 connections.",
        "The vault's key is in the system keyring.",
        '{"api_key_set": true, "api_secret_set": false}',
        "postgresql://desk@db1:5432/desk",
        "https://example.org/path?page=2 and mail to a@b.example",
        "Migration 036_create_optimal_indication_tables.sql applied.",
        "Two keys, one token, no password.",
        "",
    ],
)
def test_stays(text: str) -> None:
    assert redact(text, []) == text


def test_the_rest_of_the_line_stays() -> None:
    assert (
        redact("postgresql://desk:hunter2@db1:5432/desk is down", []) == "postgresql://desk:***@db1:5432/desk is down"
    )
    assert redact("{'api_key': 'abc', 'name': 'Main'}", []) == "{'api_key': '***', 'name': 'Main'}"


@pytest.mark.parametrize("value", ["hunter2hunter2", "a\"b'c\\d e/f+g=é", "line\nend", "xxxx"])
def test_living_secret_goes_in_every_spelling(value: str) -> None:
    import json
    from urllib.parse import quote

    secret = Secret(value)
    for text in (value, repr(value), json.dumps(value), quote(value, safe="")):
        assert redact(f"<{text}>").strip("<>'\"") == "***"
    assert secret.reveal() == value


def test_longer_secret_goes_before_the_one_it_begins_with() -> None:
    secrets = [Secret("hunter2"), Secret("hunter2-and-more")]
    assert redact("<hunter2-and-more>") == "<***>"
    assert len(secrets) == 2


def test_a_forgotten_secret_is_no_longer_looked_for() -> None:
    secret = Secret("unusualvalue")
    assert redact("unusualvalue") == "***"
    del secret
    assert redact("unusualvalue") == "unusualvalue"


def test_tracebacks_and_arguments_are_redacted() -> None:
    secret = Secret("hunter2hunter2")
    try:
        raise ValueError(f"bad value {secret.reveal()}")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed on %s, %r", (secret.reveal(), secret), info)
    text = RedactingFormatter("%(message)s").format(record)
    assert "hunter2" not in text
    assert "ValueError: bad value ***" in text


def test_repr_of_a_sealed_secret_says_nothing() -> None:
    assert redact(f"{SealedSecret('cts1.0123456789ab.AAECAwQF')!r}") == "SealedSecret(set)"


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "key",
        "secret",
        "secret:",
        "://",
        "://a:",
        "a://b:c@",
        "secret='",
        'api_key="\\',
        "basic ",
        "secret=[",
        "secret=(",
        "secret[",
        "cts1.a.",
        "token ",
    ],
)
def test_no_text_makes_it_hang(piece: str) -> None:
    text = "=" + piece * (300_000 // len(piece))
    assert timeit.timeit(lambda: redact(text, []), number=1) < 10


def test_a_piece_that_a_driver_took_for_a_port_is_hidden() -> None:
    said = 'invalid integer value "Hunter2-é\'\\" for connection option "port"'
    assert redact(said, ["Hunter2-é'\\/+&= %2b"]) == 'invalid integer value "***" for connection option "port"'
    assert redact("the port is 5432 at db1", ["db1:5432/x"]) == "the port is 5432 at db1"
