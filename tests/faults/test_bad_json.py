"""F36, F37, F38: every way in which a JSON file can be damaged or hostile, read by the one strict reader."""

import json
import time

import pytest

from storage.atomic_file import RECORD_LIMIT, BadFileError
from storage.json_file import load_json

RECORD = {"format": 1, "name": "Bybit main", "tags": ["a", "é"], "base": {"revision": 3, "factor": 1.5e-3}, "on": True}
TEXT = json.dumps(RECORD, ensure_ascii=False)


def why(content: bytes) -> str:
    with pytest.raises(BadFileError) as caught:
        load_json(content, name="record.json")
    assert caught.value.problem.text == f"record.json {caught.value.why}."
    return caught.value.why


def test_f36_truncated_at_every_byte() -> None:
    content = TEXT.encode()
    assert load_json(content) == RECORD
    for length in range(len(content)):
        why(content[:length])


def test_f36_every_byte_flipped_is_refused_or_still_json() -> None:
    content = TEXT.encode()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x80
        why(bytes(damaged))


def test_f36_empty_zeros_and_garbage() -> None:
    assert why(b"") == why(b" \n") == why(b"\xef\xbb\xbf") == "is empty"
    assert why(bytes(4096)) == "holds nothing but zero bytes"
    assert "not JSON" in why(TEXT.encode() + bytes(10))
    assert "not UTF-8" in why(bytes(range(256)))
    assert "not JSON" in why(b"<html>502 Bad Gateway</html>")


def test_f37_one_encoding() -> None:
    assert load_json(TEXT.encode("utf-8-sig")) == RECORD
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"):
        why(TEXT.encode(encoding))
    # Overlong and surrogate forms of UTF-8 are not UTF-8.
    why(b'{"a": "\xc0\xaf"}')
    why(b'{"a": "\xed\xa0\x80"}')
    assert "lone surrogate" in why(b'{"a": "\\ud800"}')
    assert "lone surrogate" in why(b'{"\\uDC00": 1}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "holds NaN"),
        ('{"a": Infinity}', "holds Infinity"),
        ("[-Infinity]", "holds -Infinity"),
        ("1e999", "number that is too large"),
        ("[-1e999]", "number that is too large"),
        ("1" * 5000, "more than 40 digits"),
        ("-" + "1" * 5000, "more than 40 digits"),
        ('{"a": 1, "a": 2}', "same key twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "same key twice"),
        ("{} {}", "not JSON"),
        ("{}]", "not JSON"),
        ("{} x", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ('{"a": 01}', "not JSON"),
        ('{"a": "\t"}', "not JSON"),
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 100_000, "nested deeper"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper"),
    ],
)
def test_f38_hostile_values(text: str, reason: str) -> None:
    assert reason in why(text.encode())


def test_f38_quotes_without_end_do_not_take_for_ever() -> None:
    hostile = b"[" * 100 + b'"' + b'\\"' * (RECORD_LIMIT // 2)
    started = time.monotonic()
    why(hostile)
    why(b"[]," * 100 + b'"' + b'\\"' * (RECORD_LIMIT // 2))
    assert time.monotonic() - started < 20
