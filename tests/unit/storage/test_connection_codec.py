"""Rows to entities and back, whatever another program wrote into them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.connection import FIELDS, NEVER, Connection, Environment
from models.connection_row import ConnectionRow
from models.problem import Category, StoreError
from models.secret import SealedSecret, Secret
from storage.connection_codec import decode, encode, read_stamp, record_row, record_text, row_of, stamp_text, stored
from storage.list_rows import to_rows
from tests.store_kit import a_connection

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


def a_row(**columns: Any) -> tuple[Any, ...]:
    values = dict(zip(FIELDS, encode(a_connection(), stamps_as_text=True), strict=True)) | columns
    return tuple(values.values())


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4), st.booleans(), st.integers(1, 1000))
def test_what_is_stored_comes_back(extra: dict[str, Any], live: bool, leverage: int) -> None:
    connection = a_connection("Ünï 🙂", live_trade=live, leverage_limit=leverage, tags=["a", "ü"])
    row = encode(connection, stamps_as_text=True)
    assert decode(row) == connection
    with_extra = a_connection(extra=extra)
    back = decode(encode(with_extra, stamps_as_text=True))
    assert back.extra == extra
    assert stored(back) == stored(with_extra)


def test_a_plain_secret_is_refused_before_it_reaches_a_statement() -> None:
    with pytest.raises(TypeError, match="sealed"):
        encode(a_connection(api_key=Secret("in clear")), stamps_as_text=True)


def test_the_row_of_an_entity_is_the_row_of_the_list() -> None:
    connection = a_connection(tags=["x"], color="#123456")
    values = dict(zip(FIELDS, encode(connection, stamps_as_text=True), strict=True))
    raw = [
        values[name.removesuffix("_set")] is not None if name.endswith("_set") else values[name]
        for name in ConnectionRow._fields
    ]
    assert to_rows([raw]) == [row_of(connection)]


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("environment", "paper", "a text"),
        ("account_type", 7, "a number"),
        ("margin_type", b"\xff", "binary data"),
        ("position_mode", None, "nothing"),
        ("leverage_limit", "many", "a text"),
        ("volume_factor", "big", "a text"),
        ("extra", "{", "a text"),
        ("extra", "[]", "a text"),
        ("extra", "[" * 100_000, "a text"),
        ("api_key", b"blob", "binary data"),
    ],
)
def test_a_value_without_meaning_names_its_column_and_never_the_value(column: str, value: Any, kind: str) -> None:
    with pytest.raises(StoreError) as caught:
        decode(a_row(**{column: value}))
    problem = caught.value.problem
    assert problem.category is Category.DATA
    assert column in problem.text
    assert kind in problem.text
    assert "Main" in problem.text
    assert len(problem.text) < 200


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        ("environment", " LIVE ", Environment.LIVE),
        ("enabled", "true", True),
        ("live_trade", "maybe", False),
        ("live_trade", 1, True),
        ("tags", "not json", ()),
        ("tags", '["a", 5]', ("a",)),
        ("volume_factor", 2, 2.0),
        ("leverage_limit", 5.0, 5),
        ("leverage_limit", "", None),
        ("api_secret", "", None),
        ("api_secret", "token", SealedSecret("token")),
        ("note", None, ""),
        ("extra", "", {}),
        ("revision", "x", 0),
    ],
)
def test_what_is_clear_enough_is_read(column: str, value: Any, read: Any) -> None:
    assert getattr(decode(a_row(**{column: value})), column) == read


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T09:30:00.000Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31 09:30:00", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30:00+02:00", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
        (datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        ("yesterday", NEVER),
        (None, NEVER),
        (5, NEVER),
        ("0001-01-01T00:00:00+14:00", NEVER),
    ],
)
def test_stamps_are_utc(text: Any, moment: datetime) -> None:
    assert read_stamp(text) == moment


def test_a_stamp_is_text_to_the_millisecond() -> None:
    assert stamp_text(datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)) == "2026-01-02T03:04:05.678Z"


def test_a_tombstone_keeps_odd_columns_too() -> None:
    row = a_row(note=b"\xff\x00", name="Ü\u202e")
    assert record_row(record_text(row))[FIELDS.index("name")] == "Ü\u202e"
    assert isinstance(decode(record_row(record_text(row))), Connection)
