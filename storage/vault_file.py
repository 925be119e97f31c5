"""`data/vault.json`: which keys there are and who holds them. No key is in it that is not wrapped.

Its checksum tells a damaged file from a wrong passphrase: in a file that is whole, a key that does not unwrap means
that the passphrase was another one.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from storage.atomic_file import BadFileError
from storage.envelope import Kdf
from storage.json_file import read_json, write_json

Holder = Literal["keyring", "passphrase", "file"]
HOLDERS: Final[tuple[Holder, ...]] = ("keyring", "passphrase", "file")
Kind = Literal["passphrase", "recovery"]
KINDS: Final[tuple[Kind, ...]] = ("passphrase", "recovery")

_FORMAT: Final = 1
_KEY_ID: Final = re.compile(r"[0-9a-z]{1,32}")
_KEYS_LIMIT: Final = 64


class KeyRecord(NamedTuple):
    """One data key. `vault` is the vault it was made for; `check` its fingerprint; `wrapped` by whom it is wrapped."""

    id: str
    vault: str
    check: str
    wrapped: Mapping[Kind, bytes] = {}


class VaultFile(NamedTuple):
    """The vault as a file knows it. New secrets are sealed with the key `current`; the others wait to be retired."""

    vault: str
    holder: Holder
    current: str
    keys: tuple[KeyRecord, ...]
    kdf: Mapping[Kind, Kdf] = {}

    def key(self, key_id: str) -> KeyRecord | None:
        return next((key for key in self.keys if key.id == key_id), None)

    def with_key(self, key: KeyRecord, *, current: bool) -> "VaultFile":
        others = tuple(known for known in self.keys if known.id != key.id)
        return self._replace(keys=(*others, key), current=key.id if current else self.current)


def read_vault(path: Path) -> VaultFile:
    """Read the file at `path`. Raises BadFileError for a damaged one, OSError where it cannot be read."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise BadFileError(path.name, "is not a vault file")
    said = content.pop("sha256", None)
    if said != _checksum(content):
        raise BadFileError(path.name, "was changed or damaged (its checksum is wrong)")
    try:
        return _from_json(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFileError(path.name, "is not a vault file that this program knows") from error


def write_vault(path: Path, vault: VaultFile) -> None:
    """Replace the file at `path` and then its .bak, durably. Raises OSError.

    Both are the same at the end: damage to one loses no key, and an old passphrase opens neither. Where only the .bak
    could not be written the vault has changed, and the next write brings it up to date.
    """
    content = _as_json(vault)
    content["sha256"] = _checksum(content)
    write_json(path, content)
    with suppress(OSError):
        write_json(path, content)


def _checksum(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _as_json(vault: VaultFile) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "vault": vault.vault,
        "holder": vault.holder,
        "current": vault.current,
        "keys": [
            {
                "id": key.id,
                "vault": key.vault,
                "check": key.check,
                "wrapped": {kind: base64.b64encode(value).decode() for kind, value in key.wrapped.items()},
            }
            for key in vault.keys
        ],
        "kdf": {
            kind: {
                "name": "argon2id",
                "salt": base64.b64encode(kdf.salt).decode(),
                "memory_kib": kdf.memory_kib,
                "passes": kdf.passes,
                "lanes": kdf.lanes,
            }
            for kind, kdf in vault.kdf.items()
        },
    }


def _from_json(content: Mapping[str, Any]) -> VaultFile:
    keys = tuple(_key_from_json(item) for item in content["keys"][:_KEYS_LIMIT])
    vault = VaultFile(
        _text(content["vault"]),
        content["holder"],
        _key_id(content["current"]),
        keys,
        {kind: _kdf_from_json(content["kdf"][kind]) for kind in KINDS if kind in content["kdf"]},
    )
    if content["format"] != _FORMAT or vault.holder not in HOLDERS or vault.key(vault.current) is None:
        raise ValueError("unknown format or holder, or no current key")
    if any(kind not in vault.kdf for key in keys for kind in key.wrapped):
        raise ValueError("a wrapped key without the way to unwrap it")
    return vault


def _key_from_json(item: Mapping[str, Any]) -> KeyRecord:
    wrapped = {kind: _bytes(item["wrapped"][kind]) for kind in KINDS if kind in item["wrapped"]}
    return KeyRecord(_key_id(item["id"]), _text(item["vault"]), _text(item["check"]), wrapped)


def _kdf_from_json(item: Mapping[str, Any]) -> Kdf:
    kdf = Kdf(_bytes(item["salt"]), int(item["memory_kib"]), int(item["passes"]), int(item["lanes"]))
    if item["name"] != "argon2id" or not kdf.acceptable():
        raise ValueError("a key derivation that is not allowed")
    return kdf


def _key_id(value: object) -> str:
    if not isinstance(value, str) or not _KEY_ID.fullmatch(value):
        raise ValueError("not a key id")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise ValueError("not a short text")
    return value


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
