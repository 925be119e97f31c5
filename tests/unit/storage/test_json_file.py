"""JSON that means one thing. The damaged kinds are in tests/faults/test_bad_json.py."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.atomic_file import BadFileError, backup_of
from storage.json_file import DEPTH_LIMIT, dump_json, load_json, read_json, write_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=200,
)


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert load_json(dump_json(value)) == value


@given(st.binary())
def test_any_bytes_are_read_like_json_does_or_refused(content: bytes) -> None:
    try:
        value = load_json(content)
    except BadFileError:
        return
    assert value == json.loads(content.decode("utf-8-sig"))


def test_brackets_in_strings_are_not_nesting() -> None:
    value = ["[" * 1000, '\\"[{' * 100, *([[]] * 100)]
    assert load_json(json.dumps(value).encode()) == value


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT
    assert load_json(f"{text}".encode()) is not None
    with pytest.raises(BadFileError, match="nested deeper"):
        load_json(f"[{text}]".encode())
    with pytest.raises(BadFileError, match="nested deeper"):
        load_json(f'{{"a":{text}}}'.encode())


def test_a_byte_order_mark_is_tolerated_and_pairs_of_surrogates_are_text() -> None:
    assert load_json(b"\xef\xbb\xbf" + b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_the_sentence_names_the_file_and_quotes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b'{"api_secret": "canary-4711" oops}')
    with pytest.raises(BadFileError) as caught:
        read_json(path)
    assert caught.value.problem.text == "record.json is not JSON (line 1, column 30)."
    assert "canary" not in str(caught.value) + str(caught.value.problem)


def test_files_are_replaced_with_their_previous_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"name": "Zoë"})
    write_json(path, {"name": "new"})
    assert (read_json(path), read_json(backup_of(path))) == ({"name": "new"}, {"name": "Zoë"})
    assert "Zoë".encode() in backup_of(path).read_bytes()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_hold_is_not_written(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(ValueError, match=r"."):
        write_json(path, value)
    assert read_json(path) == 1
    assert list(tmp_path.iterdir()) == [path]
