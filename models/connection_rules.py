"""The one validator of connections, for window, commands, import and database."""

import math
import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from models.connection import (
    CREDENTIALS,
    EDITABLE,
    AccountType,
    Connection,
    ConnectionMethod,
    Environment,
    MarginType,
    PositionMode,
)
from models.exchange import EXCHANGES, ExchangeInfo, find_exchange
from models.problem import InputError
from models.secret import SealedSecret, Secret
from models.secret_names import secret_fields

NAME_LENGTH: Final = 200
NOTE_LENGTH: Final = 10_000
TAG_LENGTH: Final = 50
TAG_COUNT: Final = 50
CREDENTIAL_LENGTH: Final = 4_096
MAX_LEVERAGE: Final = 1_000
MAX_VOLUME_FACTOR: Final = 1_000.0

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
# Cc control, Cs surrogate, Zl and Zp line and paragraph separators; Cf holds bidirectional and zero-width characters.
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp", "Cf"}
# Characters of a key and of its secret, where an exchange always makes them so.
_USUAL_SIZES = {
    "bybit": (18, 36),
    "okx": (36, 32),
    "gateio": (32, 64),
    "mexc": (18, 32),
    "bitget": (35, 64),
    "kucoin": (24, 36),
}
# Joiners are Cf too, but emoji and several scripts cannot be written without them.
_JOINERS = {"\u200d", "\u200c"}


class InvalidFieldsError(InputError):
    """One or more fields are not acceptable. `errors` maps field name to a sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        first = next(iter(self.errors))
        super().__init__(" ".join(self.errors.values()), "Correct it and save again; nothing was changed.", field=first)


def is_connection_id(value: object) -> bool:
    """Tell whether a value is a connection id: a lower-case UUID and nothing else, so that it is safe in a path."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def new_connection_id() -> str:
    return str(uuid.uuid4())


def clean_text(value: str, *, multiline: bool = False) -> str:
    """Normalise to NFC and trim; raise ValueError naming the first forbidden character."""
    text = unicodedata.normalize("NFC", value).strip()
    for character in text:
        if multiline and character in "\n\t":
            continue
        if unicodedata.category(character) in _FORBIDDEN and character not in _JOINERS:
            raise ValueError(f"U+{ord(character):04X}")
    return text


def validate(fields: Mapping[str, Any], base: Connection | None = None, *, complete: bool = True) -> Connection:
    """Return the connection that `fields` describe, over `base` where one is edited.

    Credentials may be str, Secret, SealedSecret or None; pasted ones are trimmed. Fields that we do not know go to
    `extra`. With `complete` (a person saves it) half a set of credentials is refused; a take-over passes False, keeps
    what there is and reports `gaps`. Raises InvalidFieldsError with a sentence for every field that is wrong.
    """
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    _check_exchange(fields, base, values, errors)
    for name, check in _CHECKS.items():
        if name in fields:
            try:
                values[name] = check(fields[name])
            except ValueError as error:
                errors[name] = f"{_LABELS[name]} {error}."
    if base is None and "name" not in fields:
        errors["name"] = "Name is missing."
    unknown = {key: value for key, value in fields.items() if key not in _KNOWN}
    if unknown and "extra" not in errors:
        values["extra"] = {**(base.extra if base else {}), **values.get("extra", {}), **unknown}
    if errors:
        raise InvalidFieldsError(errors)
    connection = _build(values, base)
    missing = gaps(connection)
    if complete and missing and any(getattr(connection, name) is not None for name in CREDENTIALS):
        raise InvalidFieldsError(
            {name: f"{_LABELS[name]} is missing; {_why(name, connection.exchange)}." for name in missing}
        )
    return connection


def refuse_stray_secrets(fields: Mapping[str, Any], base: Connection | None = None) -> None:
    """Raise InvalidFieldsError where a field that nothing encrypts is named like a secret: apiKey, or in `extra`."""
    extra = fields.get("extra")
    other = {**extra, **fields} if isinstance(extra, Mapping) else fields
    known = base.extra if base else {}
    new = {key: value for key, value in other.items() if key not in _KNOWN and known.get(key) != value}
    found = dict.fromkeys(secret_fields(new))
    if found:
        raise InvalidFieldsError({name: f"“{name[:50]}” is named like a secret. {_STRAY}" for name in found})


def gaps(connection: Connection) -> tuple[str, ...]:
    """Return the credential fields that its exchange asks for and that are not set."""
    info = EXCHANGES[connection.exchange]
    wanted = CREDENTIALS if info.needs_passphrase else CREDENTIALS[:2]
    return tuple(name for name in wanted if getattr(connection, name) is None)


def advice(connection: Connection) -> tuple[str, ...]:
    """Return sentences about things that are allowed and probably not meant: swapped credentials, a missing testnet."""
    sentences = []
    if _looks_swapped(connection):
        sentences.append(
            "API key and secret look swapped: each has the length of the other. Compare them with the exchange's page."
        )
    info = EXCHANGES[connection.exchange]
    if connection.environment.value not in info.environments:
        sentences.append(f"{info.label} has no {connection.environment.value} environment that we know of.")
    if connection.account_type.value not in info.account_types:
        sentences.append(f"{info.label} has no {connection.account_type.value} accounts that we know of.")
    return tuple(sentences)


def _looks_swapped(connection: Connection) -> bool:
    key, secret = connection.api_key, connection.api_secret
    if not isinstance(key, Secret) or not isinstance(secret, Secret):
        return False
    usual = _USUAL_SIZES.get(connection.exchange)
    if usual is None:
        return False
    sizes = len(key.reveal()), len(secret.reveal())
    as_given = abs(sizes[0] - usual[0]) + abs(sizes[1] - usual[1])
    other_way = abs(sizes[0] - usual[1]) + abs(sizes[1] - usual[0])
    return other_way + 4 <= as_given


def _why(field: str, exchange: str) -> str:
    if field == "api_passphrase":
        return f"{EXCHANGES[exchange].label} asks for the passphrase that was set when the key was made"
    return "key and secret belong together"


def _check_exchange(
    fields: Mapping[str, Any], base: Connection | None, values: dict[str, Any], errors: dict[str, str]
) -> None:
    if "exchange" not in fields:
        if base is None:
            errors["exchange"] = f"Exchange is missing; it is one of {', '.join(EXCHANGES)}."
        return
    given = fields["exchange"]
    info: ExchangeInfo | None = find_exchange(given) if isinstance(given, str) else None
    if info is None:
        errors["exchange"] = f"Exchange is not one that we know; it is one of {', '.join(EXCHANGES)}."
        return
    values["exchange"] = info.id


def _build(values: dict[str, Any], base: Connection | None) -> Connection:
    if base is not None:
        return replace(base, **values)
    values.setdefault("id", new_connection_id())
    values.setdefault("account_type", AccountType(EXCHANGES[values["exchange"]].account_types[0]))
    return Connection(**values)


def _name(value: object) -> str:
    text = _line(value, NAME_LENGTH)
    if not text:
        raise ValueError("is empty; give it 1 to 200 characters")
    return text


def _line(value: object, limit: int, *, multiline: bool = False) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text")
    try:
        text = clean_text(value, multiline=multiline)
    except ValueError as error:
        raise ValueError(f"holds the character {error}, which cannot be shown; remove it") from None
    if len(text) > limit:
        raise ValueError(f"is {len(text):,} characters long; at most {limit:,} are allowed")
    return text


def _note(value: object) -> str:
    return _line(value.replace("\r\n", "\n") if isinstance(value, str) else value, NOTE_LENGTH, multiline=True)


def _credential(value: object) -> Secret | SealedSecret | None:
    if value is None or isinstance(value, SealedSecret):
        return value
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        raise ValueError("is not text")
    text = text.strip().strip("\ufeff\u200b").strip()
    if not text:
        return None
    if len(text) > CREDENTIAL_LENGTH:
        raise ValueError(f"is longer than {CREDENTIAL_LENGTH:,} characters")
    # A PEM secret has several lines; nothing else in a credential is outside visible ASCII, but passphrases may be.
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\r\n" for character in text):
        raise ValueError("holds a control character; copy it again")
    return Secret(text)


def _one_of(words: type[StrEnum]) -> Callable[[object], StrEnum]:
    def check(value: object) -> StrEnum:
        try:
            return words(str(value))
        except ValueError:
            raise ValueError(f"is not one of {', '.join(words)}") from None

    return check


def _flag(value: object) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise ValueError("is neither true nor false")


def _leverage(value: object) -> int | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or value != int(min(max(value, -1e9), 1e9))
    ):
        raise ValueError("is not a whole number")
    if not 1 <= value <= MAX_LEVERAGE:
        raise ValueError(f"is not between 1 and {MAX_LEVERAGE:,}")
    return int(value)


def _volume_factor(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("is not a number")
    if not 0 < value <= MAX_VOLUME_FACTOR:
        raise ValueError(f"is not above 0 and at most {MAX_VOLUME_FACTOR:,.0f}")
    return float(value)


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("are not a list")
    if len(value) > TAG_COUNT:
        raise ValueError(f"are more than {TAG_COUNT}")
    return tuple(dict.fromkeys(tag for tag in (_line(item, TAG_LENGTH) for item in value) if tag))


def _color(value: object) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not _COLOR.fullmatch(value):
        raise ValueError("is not written like #1f6feb")
    return value.lower()


def _id(value: object) -> str:
    if not is_connection_id(value):
        raise ValueError("is not a lower-case UUID")
    return str(value)


def _extra(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError("is not an object")
    return value


_CHECKS: dict[str, Callable[[object], Any]] = {
    "id": _id,
    "name": _name,
    "account_type": _one_of(AccountType),
    "environment": _one_of(Environment),
    **dict.fromkeys(CREDENTIALS, _credential),
    "margin_type": _one_of(MarginType),
    "position_mode": _one_of(PositionMode),
    "leverage_limit": _leverage,
    "volume_factor": _volume_factor,
    "connection_method": _one_of(ConnectionMethod),
    **dict.fromkeys(("enabled", "active", "live_trade", "preset_trade", "predefined"), _flag),
    "tags": _tags,
    "color": _color,
    "note": _note,
    "extra": _extra,
}
_LABELS = {
    **{name: name.replace("_", " ").capitalize() for name in EDITABLE},
    "id": "Id",
    "api_key": "API key",
    "api_secret": "API secret",
    "api_passphrase": "API passphrase",
}
_STRAY: Final = "Secrets are kept only in api_key, api_secret and api_passphrase, where they are encrypted."
_KNOWN = {*_CHECKS, "exchange", "revision", "created_at", "updated_at"}
