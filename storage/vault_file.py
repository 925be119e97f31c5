"""`data/vault.json`: which keys there are and who holds them. No key is in it that is not wrapped.

Its checksum tells a damaged file from a wrong passphrase: in a file that is whole, a key that does not unwrap means
that the passphrase was another one. The same, without what is of one computer only, is the header that a database
shares (`vault_keys`).
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
from storage.json_file import load_json, read_json, write_json

Holder = Literal["keyring", "passphrase", "file"]
HOLDERS: Final[tuple[Holder, ...]] = ("keyring", "passphrase", "file")
Kind = Literal["passphrase", "recovery"]
KINDS: Final[tuple[Kind, ...]] = ("passphrase", "recovery")

_FORMAT: Final = 1
_KEY_ID: Final = re.compile(r"[0-9a-z]{1,32}")
_KEYS_LIMIT: Final = 64
HEADER_LIMIT: Final = 256 * 1024
_IN_DATABASE: Final = "The vault in the database"


class KeyRecord(NamedTuple):
    """One data key. `vault` is the vault it was made for; `check` its fingerprint; `wrapped` by whom it is wrapped."""

    id: str
    vault: str
    check: str
    wrapped: Mapping[Kind, bytes] = {}


class VaultFile(NamedTuple):
    """The vault as a file knows it. New secrets are sealed with the key `current`; the others wait to be retired.

    Where the vault is shared through a database, `version` is the one that was there last and `synced` the digest of
    its header then. `others` are vaults, or keys of this one, that the database does not have: what was sealed with
    them on this computer opens as before.
    """

    vault: str
    holder: Holder
    current: str
    keys: tuple[KeyRecord, ...]
    kdf: Mapping[Kind, Kdf] = {}
    version: int = 0
    synced: str = ""
    others: tuple["VaultFile", ...] = ()

    def key(self, key_id: str) -> KeyRecord | None:
        return next((key for key in self.keys if key.id == key_id), None)

    def part(self, key_id: str) -> "VaultFile | None":
        """Return the vault that has this key: this one, or one of the others."""
        return next((part for part in (self, *self.others) if part.key(key_id) is not None), None)

    def has_passphrase(self) -> bool:
        return all("passphrase" in key.wrapped for key in self.keys)

    def with_key(self, key: KeyRecord, *, current: bool) -> "VaultFile":
        others = tuple(known for known in self.keys if known.id != key.id)
        return self._replace(keys=(*others, key), current=key.id if current else self.current)


def header_text(vault: VaultFile) -> str:
    """Return what every computer that shares the vault may know: no key that is not wrapped, and not who holds it."""
    content = _header(vault)
    return json.dumps({**content, "sha256": _checksum(content)}, sort_keys=True)


def header_digest(vault: VaultFile) -> str:
    return _checksum(_header(vault))


def read_header(text: str) -> VaultFile:
    """Return the vault of a header that came from a database. Raises BadFileError for anything else."""
    content = load_json(text[: HEADER_LIMIT + 1].encode("utf-8", "surrogatepass"), name=_IN_DATABASE)
    if not isinstance(content, dict) or content.pop("sha256", None) != _checksum(content):
        raise BadFileError(_IN_DATABASE, "was changed or damaged (its checksum is wrong)")
    try:
        return _from_json({**content, "holder": "passphrase"})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFileError(_IN_DATABASE, "is not one that this program knows") from error


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
    content = {**_header(vault), "holder": vault.holder}
    if vault.version or vault.synced or vault.others:
        others = [_as_json(other._replace(others=())) for other in vault.others]
        content |= {"version": vault.version, "synced": vault.synced, "others": others}
    return content


def _header(vault: VaultFile) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "vault": vault.vault,
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
        int(content.get("version", 0)),
        str(content.get("synced", ""))[:64],
        tuple(_from_json({**other, "others": []}) for other in content.get("others", [])[:_KEYS_LIMIT]),
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
