"""One old record becomes one connection: every field mapped, every odd value repaired or kept, no secret in clear."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.connection import AccountType, Connection, Environment
from models.secret import Secret
from storage.legacy.records import Translated, translate
from tests.canary import canaries_in, make_canary
from tests.fixtures.cts31 import Canaries, b_rows, json_record


def taken(**raw: Any) -> Connection:
    found = translate({"id": "x01", "name": "Main", "exchange": "bybit", **raw})
    assert found.connection is not None, found.why
    return found.connection


def test_shape_b() -> None:
    row = b_rows(Canaries())[0]
    found = translate(row)
    connection = found.connection
    assert connection is not None
    assert (connection.name, connection.exchange, connection.account_type) == ("X03", "bybit", AccountType.UNIFIED)
    assert connection.api_key == Secret(row["api_key"])
    assert (connection.enabled, connection.live_trade, connection.active) == (True, True, False)
    assert (connection.volume_factor, connection.position_mode, connection.connection_method) == (
        2.5,
        "one_way",
        "library",
    )
    assert connection.extra["legacy_id"] == "bybit-x03"
    assert connection.extra["api_capabilities"] == ["spot", "futures"]
    assert connection.extra["last_test_balance"] == 1204.55
    assert connection.extra["library_package"] == "bybit-api"
    # The old log of the last test quotes the key.
    assert row["api_key"] not in json.dumps(connection.extra, ensure_ascii=False)
    assert set(found.secrets) == {row["api_key"], row["api_secret"]}


def test_json_record() -> None:
    connection = translate(json_record(Canaries(), "bingx-x01", updated_at=1_714_978_089_000)).connection
    assert connection is not None
    assert (connection.account_type, connection.margin_type) == (AccountType.PERPETUAL, "isolated")
    assert (connection.enabled, connection.active, connection.predefined) == (True, True, True)
    assert connection.leverage_limit == 50
    assert connection.api_passphrase is None
    assert connection.created_at == datetime(2024, 1, 2, 3, 4, 5, 678_000, UTC)
    assert connection.updated_at == datetime(2024, 5, 6, 6, 48, 9, tzinfo=UTC)
    assert connection.extra["connection_settings"] == {"maxLeverage": 50}


@pytest.mark.parametrize(
    ("api_type", "expected"),
    [
        ("perpetual_futures", "perpetual"),
        ("swap", "perpetual"),
        ("linear", "perpetual"),
        ("Futures", "perpetual"),
        ("contract", "perpetual"),
        ("unified_trading", "unified"),
        ("SPOT", "spot"),
        ("inverse", "inverse"),
        ("margin", "margin"),
        ("delivery", "futures"),
        ("nonsense", "unified"),
        (None, "unified"),
    ],
)
def test_account_types(api_type: str | None, expected: str) -> None:
    connection = taken(api_type=api_type)
    assert connection.account_type == expected
    if api_type:
        assert connection.extra["api_type"] == api_type


@pytest.mark.parametrize(
    ("exchange", "fields", "expected"),
    [
        ("bybit", {"testnet": 1}, Environment.TESTNET),
        ("bybit", {"is_testnet": "true"}, Environment.TESTNET),
        ("bybit", {"is_testnet": "0"}, Environment.LIVE),
        ("okx", {"is_testnet": 1}, Environment.DEMO),
        ("mexc", {"testnet": True}, Environment.TESTNET),
        ("bybit", {"connection_settings": '{"demo": true}'}, Environment.DEMO),
        ("bybit", {}, Environment.LIVE),
    ],
)
def test_a_test_key_never_becomes_live(exchange: str, fields: dict[str, Any], expected: Environment) -> None:
    assert taken(exchange=exchange, **fields).environment is expected


def test_flags_of_each_shape() -> None:
    assert (taken(is_active=1).enabled, taken(is_active=1).active) == (True, True)
    assert (taken(is_active=0).enabled, taken(is_enabled="1").enabled) == (False, True)
    assert (taken(is_enabled=0, is_active=1).enabled, taken(is_enabled=0, is_active=1).active) == (False, True)
    assert taken().enabled is False
    assert taken(is_live_trade="yes").live_trade is True
    assert taken(is_live_trade="perhaps").live_trade is False


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "  ",
            "your-api-key-here",
            "YOUR_API_SECRET",
            "NO KEY",
            "no-key",
            "xxx",
            "XXXXXXXX",
            "null",
            "N/A",
            "****",
        ),
        *("<your key>", "${BYBIT_KEY}", "changeme", "00000000", "placeholder", "your_bybit_api_key", "not set"),
    ],
)
def test_a_placeholder_is_no_key(value: str) -> None:
    assert taken(api_key=value, api_secret=value).api_key_set is False


@pytest.mark.parametrize("value", ["test", "password", "Main1", "AddMeKey77", "secret", "my pass", "demo"])
def test_a_weak_passphrase_is_still_one(value: str) -> None:
    assert taken(api_passphrase=value).api_passphrase == Secret(value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "Unnamed (x01)"),
        (" \t", "Unnamed (x01)"),
        ("\u202e\u200b", "Unnamed (x01)"),
        ("a\0b\nc\u202ed", "ab cd"),
        ("\ud800half", "half"),
        ("e\u0301", "é"),
        ("👩\u200d💻 dev", "👩\u200d💻 dev"),
        ("n" * 300, "n" * 200),
        (12, "12"),
        (b"bytes", "bytes"),
    ],
)
def test_names_are_repaired(name: Any, expected: str) -> None:
    assert taken(name=name).name == expected


@pytest.mark.parametrize("exchange", ["mtgox", "", None, 7, "../bybit"])
def test_an_unknown_exchange_stays_in_the_old_data(exchange: Any) -> None:
    found = translate({"id": "1", "name": "Lost", "exchange": exchange, "api_key": "Cnry12345678"})
    assert found.connection is None
    assert found.why.startswith("Lost: ")
    assert "Cnry" not in repr(found._replace(secrets=()))


def test_aliases_are_kept_as_they_were_written() -> None:
    assert (taken(exchange="huobi").exchange, taken(exchange="huobi").extra["exchange"]) == ("htx", "huobi")
    assert taken(exchange="binanceusdm").account_type == "perpetual"
    assert "exchange" not in taken(exchange="Bybit").extra


def test_a_wrong_field_does_not_cost_the_record() -> None:
    found = translate(
        {
            "id": "1",
            "name": "N",
            "exchange": "okx",
            "volume_factor": -3,
            "api_key": "good-key-1",
            "api_secret": "a\x07b" * 9,
        }
    )
    assert found.connection is not None
    assert found.connection.volume_factor == 1.0
    assert found.connection.extra["volume_factor"] == -3
    assert found.connection.api_key_set
    assert not found.connection.api_secret_set
    # A credential that cannot be used is not kept in clear beside the others.
    assert "\x07" not in json.dumps(found.connection.extra)
    assert len(found.notes) == 2


def test_secrets_under_other_names_do_not_come_over() -> None:
    connection = taken(
        api_key="Kq81jd72hs81k",
        webhookSecret="W1111111111w",
        connection_settings='{"apiKey": "Kq81jd72hs81k", "deep": [{"privateKey": "P2222222"}], "x": "k=Kq81jd72hs81k"}',
        note="mine is Kq81jd72hs81k",
        dual_mode_settings="{broken",
    )
    text = json.dumps(connection.extra) + connection.note
    assert "Kq81jd72hs81k" not in text
    assert "W1111111111w" not in text
    assert "P2222222" not in text
    assert connection.extra["dual_mode_settings"] == "{broken"
    assert connection.extra["connection_settings"] == {"deep": [{}], "x": "k=[removed]"}


_values = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=8)),
    *(st.lists(st.text(), max_size=3), st.dictionaries(st.text(), st.integers(), max_size=3)),
)
_names = st.sampled_from(
    [
        *("id", "name", "exchange", "api_type", "api_key", "api_secret", "api_passphrase", "testnet", "is_enabled"),
        *(
            "volume_factor",
            "connection_settings",
            "margin_type",
            "position_mode",
            "created_at",
            "tags",
            "extra",
            "note",
        ),
        *("color", "environment", "account_type", "leverage_limit", "revision", "weird \0 name"),
    ]
)


@given(st.dictionaries(_names, _values), st.sampled_from(["bybit", "okx", "huobi"]))
def test_nothing_at_all_stops_a_record_of_a_known_exchange(raw: dict[str, Any], exchange: str) -> None:
    found: Translated = translate(raw | {"exchange": exchange}, fallback_id="row 1")
    assert found.connection is not None, found
    assert json.loads(json.dumps(found.connection.extra, allow_nan=False)) == found.connection.extra


def test_secrets_inside_texts_do_not_come_over() -> None:
    """A column that we do not know may hold JSON, whole or cut off, or a line of a log."""
    one, two, three, four = (make_canary() for _ in range(4))
    found = translate(
        {
            "id": 1,
            "name": "N",
            "exchange": "bybit",
            "last_test_result": json.dumps({"ok": False, "sign": one, "pass": "short"}),
            "engine": json.dumps({"deep": json.dumps({"apiKey": two}), "speed": 3}),
            "cut": json.dumps({"mode": "x", "secret": three})[:-2],
            "last_test_log": f"POST ?api_key={four}&symbol=BTCUSDT failed",
        }
    )
    assert found.connection is not None
    extra = found.connection.extra
    assert canaries_in(json.dumps(extra).encode(), [one, two, three, four]) == []
    assert json.loads(str(extra["last_test_result"])) == {"ok": False}
    assert json.loads(str(extra["engine"])) == {"deep": "{}", "speed": 3}
    assert extra["cut"] == '{"mode": "x", "secret": "'
    assert extra["last_test_log"] == "POST ?api_key=[removed]&symbol=BTCUSDT failed"
    assert set(found.secrets) == {one, two, three, four, "short"}
