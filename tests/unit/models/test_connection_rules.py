"""The validator: what it repairs, what it refuses, and the sentence it gives."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.connection import AccountType, Connection, Environment
from models.connection_rules import InvalidFieldsError, advice, gaps, is_connection_id, validate
from models.secret import SealedSecret, Secret


def refused(**fields: object) -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as caught:
        validate({"name": "Main", "exchange": "bybit", **fields})
    return caught.value.errors


def test_missing_fields_take_their_defaults() -> None:
    connection = validate({"name": "Main", "exchange": "bybit"})
    assert is_connection_id(connection.id)
    assert connection.account_type is AccountType.UNIFIED
    assert connection.environment is Environment.LIVE
    assert connection.enabled
    assert not connection.live_trade
    assert connection.revision == 1


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("  Main  ", "Main"),
        ("Cafe\u0301", "Café"),
        ("👩‍👧 desk", "👩‍👧 desk"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("'; DROP TABLE x", "'; DROP TABLE x"),
    ],
)
def test_names_are_normalised_and_otherwise_kept(given_name: str, kept: str) -> None:
    assert validate({"name": given_name, "exchange": "okx"}).name == kept


@pytest.mark.parametrize(
    "name", ["", "   ", "a\0b", "a\nb", "a\u202eb", "a\u2066b", "a\u200bb", "a\ud800b", "x" * 201, None, 5, ["a"]]
)
def test_names_that_cannot_be_shown_are_refused(name: object) -> None:
    assert refused(name=name)["name"].startswith("Name ")


@given(st.text(st.characters(codec=None, categories=None), max_size=300))
def test_every_accepted_name_can_be_stored_and_shown(name: str) -> None:
    try:
        kept = validate({"name": name, "exchange": "bybit"}).name
    except InvalidFieldsError:
        assert set(refused(name=name)) == {"name"}
    else:
        assert 1 <= len(kept) <= 200
        assert kept.encode("utf-8").decode("utf-8") == unicodedata.normalize("NFC", kept)
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in kept)


@pytest.mark.parametrize(
    ("alias", "exchange"),
    [("gate.io", "gateio"), ("HUOBI", "htx"), ("okex", "okx"), ("Gate.io", "gateio"), ("bing_x", "bingx")],
)
def test_exchange_aliases_are_understood(alias: str, exchange: str) -> None:
    assert validate({"name": "a", "exchange": alias}).exchange == exchange


@pytest.mark.parametrize("exchange", ["kraken", "", None, 1, "bybit; --"])
def test_unknown_exchanges_are_refused_with_the_list(exchange: object) -> None:
    assert "bybit, binance, okx" in refused(exchange=exchange)["exchange"]


def test_pasted_credentials_are_trimmed_and_hidden() -> None:
    connection = validate({"name": "a", "exchange": "bybit", "api_key": "  \ufeffkey-1\n", "api_secret": "s 1\t"})
    assert connection.api_key == Secret("key-1")
    assert connection.api_secret == Secret("s 1")
    assert "key-1" not in repr(connection)


@pytest.mark.parametrize("exchange", ["okx", "bitget", "kucoin"])
def test_a_passphrase_is_asked_for_where_the_exchange_asks_for_one(exchange: str) -> None:
    errors = refused(exchange=exchange, api_key="key", api_secret="secret")
    assert set(errors) == {"api_passphrase"}
    full = {"name": "a", "exchange": exchange, "api_key": "k", "api_secret": "s", "api_passphrase": "p"}
    assert gaps(validate(full)) == ()


def test_half_a_set_of_credentials_is_refused_or_reported() -> None:
    assert set(refused(api_key="key")) == {"api_secret"}
    taken_over = validate({"name": "a", "exchange": "okx", "api_key": "key"}, complete=False)
    assert gaps(taken_over) == ("api_secret", "api_passphrase")


def test_sealed_credentials_pass_through() -> None:
    token = SealedSecret("cts1.k.AAAA")
    assert validate({"name": "a", "exchange": "bybit", "api_key": token, "api_secret": token}).api_key is token


@pytest.mark.parametrize(
    ("exchange", "key", "secret"),
    [("bybit", 36, 18), ("okx", 32, 36), ("gateio", 64, 32), ("kucoin", 36, 24), ("bitget", 64, 35)],
)
def test_swapped_credentials_are_pointed_out(exchange: str, key: int, secret: int) -> None:
    fields = {"name": "a", "exchange": exchange, "api_passphrase": "p"}
    swapped = validate({**fields, "api_key": "k" * key, "api_secret": "s" * secret})
    right = validate({**fields, "api_key": "s" * secret, "api_secret": "k" * key})
    assert "swapped" in advice(swapped)[0]
    assert advice(right) == ()


def test_an_environment_that_the_exchange_lacks_is_pointed_out() -> None:
    assert "MEXC has no testnet" in advice(validate({"name": "a", "exchange": "mexc", "environment": "testnet"}))[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("leverage_limit", 0),
        ("leverage_limit", -4),
        ("leverage_limit", 1001),
        ("leverage_limit", 1e400),
        ("leverage_limit", float("nan")),
        ("leverage_limit", 2.5),
        ("leverage_limit", True),
        ("leverage_limit", "10"),
        ("volume_factor", 0),
        ("volume_factor", float("inf")),
        ("volume_factor", "1"),
        ("enabled", "yes"),
        ("enabled", 2),
        ("environment", "prod"),
        ("account_type", None),
        ("margin_type", "crossed"),
        ("position_mode", 5),
        ("connection_method", "fax"),
        ("tags", "desk"),
        ("tags", ["a\0"]),
        ("tags", ["x"] * 51),
        ("color", "red"),
        ("note", "x" * 10_001),
        ("note", "a\u202eb"),
        ("id", "../../x"),
        ("id", "00000000-0000-4000-8000-000000000000\n"),
        ("id", "CON"),
        ("extra", [1]),
        ("api_key", 12),
        ("api_key", "a\0b"),
        ("api_key", "k" * 5000),
    ],
)
def test_bad_values_get_a_sentence_at_their_field(field: str, value: object) -> None:
    sentence = refused(**{field: value})[field]
    assert sentence.endswith(".")
    assert sentence[0].isupper()


def test_every_wrong_field_is_named_at_once() -> None:
    assert set(refused(name="", exchange="x", volume_factor=-1)) == {"name", "exchange", "volume_factor"}


def test_unknown_fields_are_kept() -> None:
    first = validate({"name": "a", "exchange": "bybit", "user_id": 7})
    second = validate({"name": "b", "last_seen": "x"}, first)
    assert second.extra == {"user_id": 7, "last_seen": "x"}


def test_an_edit_keeps_what_it_does_not_name() -> None:
    base = validate({"name": "a", "exchange": "okx", "tags": ["desk", "desk", " "], "note": "one\r\ntwo"})
    edited = validate({"name": "b"}, base)
    assert isinstance(edited, Connection)
    assert (edited.id, edited.tags, edited.note, edited.name) == (base.id, ("desk",), "one\ntwo", "b")
