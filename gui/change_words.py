"""Changes and their values as a person reads them; of a credential only whether it is set."""

from collections.abc import Mapping, Sequence
from typing import Any

from gui.figures import UNKNOWN
from models.change import Changes, Conflict, RejectedChange, WaitingChange
from models.connection import CREDENTIALS
from models.exchange import exchange_label

KINDS = {"add": "New", "edit": "Changed", "remove": "Deleted", "restore": "Restored"}
PARTS = {"waiting": "waiting", "conflict": "conflicts", "refused": "rejected"}
"""Where on the Database page each mark of a connection is explained."""
_FIELDS = {
    "api_key": "API key",
    "api_secret": "API secret",
    "api_passphrase": "API passphrase",
    "extra": "Other fields",
    "color": "Colour",
    "live_trade": "Live trading",
    "preset_trade": "Preset trading",
    "margin_type": "Margin",
}
_SHORT = {"api_key": "key", "api_secret": "secret", "api_passphrase": "passphrase"}


def field_name(name: str) -> str:
    return _FIELDS.get(name) or name.replace("_", " ").capitalize()


def fields_text(fields: Sequence[str]) -> str:
    """Name fields in one line; the credentials are one thing."""
    named = dict.fromkeys("Credentials" if name in CREDENTIALS else field_name(name) for name in fields)
    return ", ".join(named)


def unit_name(fields: Sequence[str]) -> str:
    """Name what a conflict is about: one field, or those that only make sense together."""
    if set(fields) == set(CREDENTIALS):
        return "Credentials"
    return " and ".join(
        field_name(name) if not number else field_name(name).lower() for number, name in enumerate(fields)
    )


def side_text(conflict: Conflict, side: Mapping[str, Any]) -> str:
    """Say what one side has for the whole unit, in one line."""
    if set(conflict.fields) == set(CREDENTIALS):
        return ", ".join(f"{_SHORT[name]} {side.get(name)}" for name in conflict.fields)
    return ", ".join(value_text(name, side.get(name)) for name in conflict.fields)


def value_text(field: str, value: Any) -> str:
    """Say one stored value. Whatever it is, it stays plain text."""
    if value is None:
        return "none" if field == "leverage_limit" else "not set"
    if field == "exchange" and isinstance(value, str):
        return exchange_label(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {one}" for key, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else UNKNOWN


def change_text(change: WaitingChange | RejectedChange) -> str:
    """Say what was done: "Changed: note, tags"."""
    kind = KINDS.get(change.kind, change.kind)
    return f"{kind}: {fields_text(change.fields).lower()}" if change.fields else kind


def marks(changes: Changes) -> dict[str, tuple[str, str]]:
    """Return what marks a connection in the list: (waiting, conflict or refused, the sentence for it)."""
    found: dict[str, tuple[str, str]] = {}
    for connection_id, told in _waiting(changes).items():
        found[connection_id] = ("waiting", f"Waits for the database. {'; '.join(told)}.")
    for refused in changes.rejected:
        found[refused.connection_id] = ("refused", f"The database refused a change. {refused.problem.text}")
    units: dict[str, list[str]] = {}
    for conflict in changes.conflicts:
        units.setdefault(conflict.connection_id, []).append(unit_name(conflict.fields))
    for connection_id, named in units.items():
        text = f"Two desktops changed: {', '.join(dict.fromkeys(named)).lower()}. Choose on the Database page."
        found[connection_id] = ("conflict", text)
    return found


def _waiting(changes: Changes) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for change in changes.waiting:
        lines = told.setdefault(change.connection_id, [])
        text = change_text(change)
        if text not in lines:
            lines.append(text)
    return told
