"""One CTS v3.1 record, from a row or a JSON object, as fields of our connection; repaired where that is safe."""

import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from models.connection import CREDENTIALS, AccountType, Connection, Environment, JsonValue
from models.connection_rules import NAME_LENGTH, InvalidFieldsError, clean_text, validate
from models.exchange import EXCHANGES, find_exchange
from models.secret_names import snake
from storage.legacy.secret_words import Finder, is_placeholder, redact, secrets_within

NO_ID: Final = "no-id-"
"""What the id begins with that a record without one is remembered by."""

_ACCOUNT_TYPES: Final = {
    "perpetual_futures": "perpetual",
    "perpetual_future": "perpetual",
    "perpetuals": "perpetual",
    "perp": "perpetual",
    "swap": "perpetual",
    "swaps": "perpetual",
    "linear": "perpetual",
    "usdt_perpetual": "perpetual",
    "usdm": "perpetual",
    "usdt_m": "perpetual",
    "umcbl": "perpetual",
    "contract": "perpetual",
    "contracts": "perpetual",
    # CTS calls its perpetual contracts futures; dated ones it calls delivery.
    "future": "perpetual",
    "futures": "perpetual",
    "coinm": "inverse",
    "coin_m": "inverse",
    "inverse_perpetual": "inverse",
    "delivery": "futures",
    "dated": "futures",
    "unified_trading": "unified",
    "unified_trading_account": "unified",
    "uta": "unified",
    "cash": "spot",
    "portfolio_margin": "portfolio",
}
_METHODS = {
    "ws": "websocket",
    "websockets": "websocket",
    "http": "rest",
    "api": "rest",
    "rest_api": "rest",
} | dict.fromkeys(("typescript", "sdk", "ccxt", "python", "native"), "library")
_MARGINS = {"crossed": "cross", "cross_margin": "cross", "isolated_margin": "isolated"}
_MODES = {"oneway": "one_way", "both": "one_way", "net": "one_way", "hedged": "hedge", "long_short": "hedge"}
_TRUE = {"1", "true", "yes", "on", "t", "y"}
_FALSE = {"0", "false", "no", "off", "f", "n", ""}
_JSON_COLUMNS = {"connection_settings", "dual_mode_settings", "api_capabilities", "rate_limits", "connection_priority"}
_LEVERAGE = ("leverage_limit", "max_leverage", "maxLeverage", "leverage")


class Translated(NamedTuple):
    """What one old record became. `connection` is None where it could not come over, `why` says so.

    `notes` are sentences about what was repaired; `secrets` every plaintext credential that the record held.
    """

    legacy_id: str
    label: str
    connection: Connection | None
    why: str = ""
    notes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def translate(raw: Mapping[str, Any], *, fallback_id: str = "") -> Translated:
    """Return our connection for a record of CTS v3.1; credentials are still Secret, to be sealed by the caller."""
    record = {snake(str(key)): _plain(value) for key, value in raw.items()}
    legacy_id = str(record.pop("id", None) or fallback_id)
    notes: list[str] = []
    credentials = {name: _credential(record.pop(name, None)) for name in CREDENTIALS}
    parsed = {name: _parsed(name, value) for name, value in record.items()}
    secrets = tuple(dict.fromkeys([*(text for text in credentials.values() if text), *secrets_within(dict(parsed))]))
    shown = redact(parsed, Finder(secrets))
    label = _label(shown.get("name"), legacy_id)
    info = find_exchange(str(shown.get("exchange") or shown.get("exchange_id") or ""))
    if info is None:
        given = _cleaned(str(shown.get("exchange") or ""))[:50]
        why = f"its exchange “{given}” is not one that this program knows" if given else "it names no exchange"
        return Translated(
            legacy_id, label, None, f"{label}: {why}; it stays in the old data{_under(legacy_id)}.", secrets=secrets
        )
    fields, extra = _fields(shown, info.id, legacy_id, notes)
    fields["extra"] = {**extra, **_origin(legacy_id)}
    return _settle(Translated(legacy_id, label, None, secrets=secrets), fields | credentials, shown, notes)


def _under(legacy_id: str) -> str:
    """Say under which id it is found there: names may be empty, or shared by many."""
    shown = "" if legacy_id.startswith(NO_ID) else _cleaned(legacy_id)[:60]
    return f" (id {shown})" if shown else ""


def placeholder_name(legacy_id: str) -> str:
    """Return the name of a connection that had none."""
    shown = "" if legacy_id.startswith(NO_ID) else _cleaned(legacy_id)[:60]
    return f"Unnamed ({shown})" if shown else "Unnamed"


def _settle(blank: Translated, fields: dict[str, Any], shown: Mapping[str, Any], notes: list[str]) -> Translated:
    """Validate, and drop field by field what the validator refuses: the record matters more than one of its fields."""
    for _ in range(len(fields)):
        try:
            connection = validate(fields, complete=False)
        except InvalidFieldsError as error:
            for name, sentence in error.errors.items():
                given = fields.pop(name, None)
                notes.append(f"{sentence} It was left out.")
                if name not in CREDENTIALS and isinstance(given, str | int | float | bool | None):
                    fields["extra"] = {**fields.get("extra", {}), name: _json_safe(given)}
            if "exchange" not in fields or "name" not in fields:
                break
        else:
            created, updated = _stamps(shown)
            connection = replace(connection, extra={**connection.extra, **_unread_stamps(shown)})
            stamped = replace(connection, created_at=created, updated_at=updated)
            return blank._replace(connection=stamped, notes=tuple(notes))
    return blank._replace(why=f"{blank.label}: {' '.join(notes)}", notes=())


def _fields(
    record: Mapping[str, Any], exchange: str, legacy_id: str, notes: list[str]
) -> tuple[dict[str, Any], dict[str, JsonValue]]:
    """Split a record into our fields and the `extra` that keeps every other one."""
    extra = {
        name: _json_safe(value)
        for name, value in record.items()
        if name not in {"name", "exchange", "created_at", "updated_at", "margin_type", "position_mode", *_FLAGS}
        and value not in (None, "")
    }
    fields: dict[str, Any] = {"exchange": exchange, "name": _name(record.get("name"), legacy_id, notes)}
    given = str(record.get("exchange") or "")
    if given.strip().lower() != exchange:
        extra["exchange"] = _cleaned(given)
    fields |= {ours: flag for ours, flag in _flags(record).items() if flag is not None}
    fields["environment"] = _environment(record, exchange)
    if (account_type := _account_type(record, exchange, given)) is not None:
        fields["account_type"] = account_type
    for ours, words, names in _WORDS:
        word = _word(record.get(ours), words)
        if word in names:
            fields[ours] = word
            extra.pop(ours, None)
        elif word:
            extra[ours] = _json_safe(record[ours])
    _numbers(record, fields, extra)
    return fields, extra


_FLAGS = (
    "is_enabled",
    "is_active",
    "is_live_trade",
    "is_preset_trade",
    "is_predefined",
    "is_testnet",
    "testnet",
)
_WORDS: tuple[tuple[str, dict[str, str], set[str]], ...] = (
    ("margin_type", _MARGINS, {"cross", "isolated"}),
    ("position_mode", _MODES, {"one_way", "hedge"}),
    ("connection_method", _METHODS, {"rest", "websocket", "hybrid", "library"}),
)


def _flags(record: Mapping[str, Any]) -> dict[str, bool | None]:
    """Shape A has only is_active, B only is_enabled, the JSON files both; live trading is never assumed."""
    active, enabled = _flag(record.get("is_active")), _flag(record.get("is_enabled"))
    return {
        "enabled": enabled if enabled is not None else active if active is not None else False,
        "active": bool(active),
        "live_trade": bool(_flag(record.get("is_live_trade"))),
        "preset_trade": bool(_flag(record.get("is_preset_trade"))),
        "predefined": bool(_flag(record.get("is_predefined"))),
    }


def _environment(record: Mapping[str, Any], exchange: str) -> Environment:
    """Return where the keys are for. An exchange without a testnet calls it demo; a test key never becomes live."""
    testing = _flag(record.get("is_testnet")) or _flag(record.get("testnet"))
    settings = record.get("connection_settings")
    demo = isinstance(settings, dict) and (_flag(settings.get("demo")) or _flag(settings.get("is_demo")))
    offered = EXCHANGES[exchange].environments
    if (demo and "demo" in offered) or (testing and "testnet" not in offered and "demo" in offered):
        return Environment.DEMO
    return Environment.TESTNET if testing else Environment.LIVE


def _account_type(record: Mapping[str, Any], exchange: str, given: str) -> AccountType | None:
    word = snake(str(record.get("api_type") or "").strip()).replace("/", "_")
    word = _ACCOUNT_TYPES.get(word, word)
    if word in set(AccountType):
        return AccountType(word)
    if "perpetual" in snake(given) or "usdm" in given.lower() or given.lower() == "kucoinfutures":
        return AccountType.PERPETUAL
    return AccountType.INVERSE if given.lower() == "binancecoinm" and exchange == "binance" else None


def _numbers(record: Mapping[str, Any], fields: dict[str, Any], extra: dict[str, JsonValue]) -> None:
    factor = _number(record.get("volume_factor"))
    if factor is not None:
        fields["volume_factor"] = factor
        extra.pop("volume_factor", None)
    settings = record.get("connection_settings")
    for name in _LEVERAGE:
        value = record.get(name, settings.get(name) if isinstance(settings, dict) else None)
        leverage = _number(value)
        if leverage is not None and leverage == int(leverage) and 1 <= leverage <= 1_000:
            fields["leverage_limit"] = int(leverage)
            return


def _name(value: object, legacy_id: str, notes: list[str]) -> str:
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if not text.strip():
        notes.append("It had no name.")
        return placeholder_name(legacy_id)
    try:
        if len(clean_text(text)) <= NAME_LENGTH:
            return clean_text(text)
    except ValueError:
        notes.append("Its name held characters that cannot be shown; they were removed.")
    cleaned = _cleaned(text)
    if len(cleaned) > NAME_LENGTH:
        notes.append(f"Its name was {len(cleaned):,} characters long and was cut.")
        cleaned = cleaned[:NAME_LENGTH].rstrip()
    return cleaned or placeholder_name(legacy_id)


def _label(name: object, legacy_id: str) -> str:
    shown = _cleaned(name)[:60] if isinstance(name, str) else ""
    return shown or placeholder_name(legacy_id)


def _cleaned(text: str) -> str:
    """Return text on one line, without the characters that a name may not hold; joiners of emoji stay."""
    spaced = "".join(" " if character in "\t\r\n\u2028\u2029" else character for character in text)
    kept = (
        character
        for character in unicodedata.normalize("NFC", spaced)
        if character in "\u200c\u200d" or unicodedata.category(character) not in {"Cc", "Cs", "Cf", "Zl", "Zp"}
    )
    return " ".join("".join(kept).split())


def _credential(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip().strip("\ufeff\u200b").strip()
    return None if is_placeholder(text) else text


def _flag(value: object) -> bool | None:
    if isinstance(value, bool | int | float):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _word(value: object, words: Mapping[str, str]) -> str:
    word = snake(str(value).strip()) if value is not None else ""
    return words.get(word, word)


def _plain(value: Any) -> Any:
    """Return a driver's value as JSON knows it; bytes become text, or hexadecimal where they are none."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.hex()
    return value


def _parsed(name: str, value: Any) -> Any:
    """Return JSON text as the value it holds; broken JSON stays the text it is."""
    if name not in _JSON_COLUMNS or not isinstance(value, str):
        return value
    try:
        return _json_safe(json.loads(value))
    except (ValueError, RecursionError):
        return value


def _json_safe(value: Any) -> JsonValue:
    """Return a value that any JSON reader and any database takes: no NaN, no surrogates, no NUL."""
    if isinstance(value, str):
        return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(_json_safe(str(key))): _json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_safe(item) for item in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


def _stamps(record: Mapping[str, Any]) -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(microsecond=0)
    created = _stamp(record.get("created_at"))
    updated = _stamp(record.get("updated_at"))
    return created or updated or now, updated or created or now


def _unread_stamps(record: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Keep a time that cannot be read as it was written: `02.01.2024` says something to a person."""
    given = {name: record.get(name) for name in ("created_at", "updated_at")}
    return {name: _json_safe(value) for name, value in given.items() if value not in (None, "") and not _stamp(value)}


def _stamp(value: object) -> datetime | None:
    """Read ISO 8601, SQLite's own form, or an epoch in seconds or milliseconds; without a zone it is UTC."""
    number = _number(value)
    try:
        if number is not None:
            return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
        if isinstance(value, str):
            stamp = datetime.fromisoformat(value.strip())
            return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _origin(legacy_id: str) -> dict[str, JsonValue]:
    return {"legacy_id": _cleaned(legacy_id)[:200]} if legacy_id and not legacy_id.startswith(NO_ID) else {}


SealFields = Callable[[str, str, Any], Any]
"""(connection id, field, Secret) -> token; what Vault.seal is."""


def sealed(connection: Connection, seal: SealFields) -> Connection:
    """Return the connection with every credential as the token that stores keep."""
    tokens = {
        name: seal(connection.id, name, getattr(connection, name))
        for name in CREDENTIALS
        if getattr(connection, name) is not None
    }
    return replace(connection, **tokens)


def same_credentials(one: Translated, other: Translated) -> bool:
    """Tell whether two old records hold the same key; records without any count as the same."""
    keys = [getattr(item.connection, "api_key", None) for item in (one, other)]
    return keys[0] == keys[1]
