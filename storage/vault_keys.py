"""The keys of one vault while the program runs: loaded at the first need, looked for where they are lost.

Callers hold `lock` for every call; it is re-entrant.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from models.problem import Category, Problem, VaultError
from models.secret import Secret
from storage.atomic_file import BadFileError
from storage.envelope import new_key, new_key_id
from storage.key_holders import HeldKey, KeyringError
from storage.key_sources import (
    WRONG,
    KeySources,
    OpenKeys,
    UnavailableError,
    VaultPaths,
    unlock_with,
    unwrap_known,
)
from storage.vault_file import Holder, KeyRecord, Kind, VaultFile, header_digest, read_vault, write_vault
from storage.vault_opening import Found, NotMadeError, make, record_of

_RETRY_SECONDS: Final = 30.0

_log = logging.getLogger(__name__)


class VaultKeys:
    """What vault.json says (`file`), which keys are open (`open`), and why the others are not (`problem`).

    `share` takes a changed header to the database first, where the vault is a shared one; VaultError: nothing changed.
    """

    def __init__(self, paths: VaultPaths, sources: KeySources, found: Found, *, writable: bool) -> None:
        self.lock = threading.RLock()
        self.file = found.file
        self.problem = found.problem
        self.open = OpenKeys()
        self.failure: Problem | None = None
        self.share: Callable[[VaultFile], VaultFile] | None = None
        self.sources = sources
        self.writable = writable
        self.paths = paths
        self._retry_at = 0.0
        self._missing: dict[str, float] = {}

    def make(self) -> None:
        """Make a vault where there is none. Does not raise: `problem` says why not."""
        try:
            self.file = make(self.paths, self.sources, self.open)
        except NotMadeError as error:
            self.problem = error.problem
        else:
            # What was wrong before may have been that none could be made; a damaged file is still worth saying.
            if self.problem is not None and self.problem.category is not Category.BAD_FILE:
                self.problem = None

    def existing(self) -> VaultFile:
        """Return the vault, made or read now if it was not there before. Raises VaultError (LOCKED)."""
        if self.file is None:
            self._read_again()
        if self.file is None and self.writable:
            self.make()
        if self.file is None:
            text = "There is no vault yet, and this data folder cannot be written."
            raise VaultError(self.problem or Problem(Category.LOCKED, text, "Make the data folder writable."))
        return self.file

    def key(self, key_id: str) -> tuple[KeyRecord, bytes]:
        """Return the key of this id. Raises VaultError (LOCKED) where it is unknown or cannot be had now."""
        record = self._record(key_id)
        if key_id not in self.open.data and self._may_look_for(key_id):
            part = self.existing().part(key_id)
            if part is not None and part is not self.existing():
                self._load_other(part, key_id)
            else:
                self._load()
        if key_id not in self.open.data:
            self._missing.setdefault(key_id, time.monotonic() + _RETRY_SECONDS)
            raise VaultError(_without(key_id))
        return record, self.open.data[key_id]

    def unlock(self, kind: Kind, typed: Secret) -> None:
        """Open the keys with what a person typed. Raises VaultError (LOCKED) where it is another one."""
        file = self.existing()
        others = OpenKeys()
        old = [unlock_with(other, others, kind, typed) for other in file.others]
        self.open.data.update(others.data)
        if not unlock_with(file, self.open, kind, typed):
            text = _OLD[kind] if any(old) else WRONG[kind]
            raise VaultError(Problem(Category.LOCKED, text, "Check it, and type it again."))
        self.failure = None
        self._retry_at = 0.0
        self._missing.clear()
        if file.holder == "keyring" and self.writable and self.sources.keyring.may_exist():
            # Whoever has to type although the keyring holds the key has lost that entry: put it back.
            self.keep_in_keyring(file)

    def keep_in_keyring(self, file: VaultFile) -> None:
        """Let the keyring hold the open keys; of a vault that came from a database, else nobody holds them here."""
        try:
            self.put("keyring", file)
        except VaultError as error:
            _log.warning("%s", error)
            if file.version:
                self.write(file._replace(holder="passphrase"))

    def changeable(self) -> VaultFile:
        """Return the vault with its current key open. Raises VaultError where it is locked or may not be written."""
        refuse_read_only(self.writable)
        file = self.existing()
        self.key(file.current)
        return self.existing()

    def reset(self) -> None:
        """Forget the vault, whose files are gone, and make another. Raises VaultError where that fails."""
        self.file, self.failure, self.problem = None, None, None
        self.open = OpenKeys()
        self._retry_at = 0.0
        self._missing.clear()
        self.existing()

    def look_again(self, key_id: str) -> bool:
        """Tell whether this key can be had now, whatever was found before; it may take as long as a keyring does."""
        self._retry_at = 0.0
        self._missing.pop(key_id, None)
        with suppress(VaultError):
            self.key(key_id)
        return key_id in self.open.data

    def save(self, file: VaultFile, wrapping: Mapping[Kind, bytes] | None = None) -> None:
        """Write vault.json and its .bak; `wrapping` are new keys that wrap, of use only with the new file.

        Raises VaultError; then the vault is as it was.
        """
        if self.share is not None and self.file is not None and header_digest(file) != header_digest(self.file):
            file = self.share(file)
        self.write(file, wrapping)

    def write(self, file: VaultFile, wrapping: Mapping[Kind, bytes] | None = None) -> None:
        """Write vault.json alone; the database, where there is one, knows it already. Raises as `save`."""
        try:
            write_vault(self.paths.vault, file)
        except OSError as error:
            # If only the very last step failed the new file is there already: what is on the disk counts.
            self._read_again()
            if self.file == file:
                self.open.wrapping.update(wrapping or {})
            text = f"The vault was not changed: {self.paths.vault} cannot be written ({error.strerror})."
            raise VaultError(
                Problem(Category.NOT_WRITABLE, text, "Free space or mend the permissions, and try again.")
            ) from error
        self.file = file
        self.open.wrapping.update(wrapping or {})

    def put(self, holder: Holder, file: VaultFile) -> None:
        """Hand every key of `file` to a holder. Raises VaultError where it does not take them, or one is not open."""
        for key in file.keys:
            if key.id not in self.open.data:
                raise VaultError(_without(key.id))
        # The current one last: the key file is read in this order where vault.json is lost.
        records = sorted(file.keys, key=lambda key: key.id == file.current)
        try:
            self.sources.put(holder, [HeldKey(key.vault, key.id, self.open.data[key.id]) for key in records])
        except KeyringError as error:
            raise VaultError(
                Problem(Category.KEYRING, str(error), "Start and unlock the keyring of your desktop, and try again.")
            ) from error
        except OSError as error:
            text = f"The key file cannot be written ({error.strerror})."
            raise VaultError(
                Problem(Category.NOT_WRITABLE, text, "Free space or mend the permissions, and try again.")
            ) from error

    def adopt(self, header: VaultFile) -> None:
        """Take what the database has for the vault; keys that it does not have stay, for what they sealed here."""
        before = self.file
        holder: Holder = "keyring" if self.sources.keyring.may_exist() and not self.paths.temporary else "passphrase"
        others: tuple[VaultFile, ...] = ()
        if before is not None:
            holder = before.holder if before.vault == header.vault else holder
            parts = (_without_keys_of(part, header) for part in (before._replace(others=()), *before.others))
            others = tuple(part for part in parts if part is not None)
            for kind in before.kdf.keys() - {kind for kind in header.kdf if header.kdf[kind] == before.kdf.get(kind)}:
                self.open.wrapping.pop(kind, None)
            unwrap_known(header, self.open)
        self.failure, self._retry_at = None, 0.0
        self._missing.clear()
        file = header._replace(holder=holder, others=others)
        if self.writable:
            self.write(file)
        self.file = file

    def add_key(self, vault: str) -> KeyRecord:
        """Make a new open key and return its record; it is not in `file` yet."""
        held = HeldKey(vault, new_key_id(), new_key())
        self.open.data[held.id] = held.data_key
        return record_of(held)

    def _load(self) -> None:
        if self.failure is not None and time.monotonic() < self._retry_at:
            raise VaultError(self.failure)
        try:
            self.sources.load(self.existing(), self.open)
        except UnavailableError as error:
            self.failure = error.problem
            # Hundreds of secrets may be wanted at once: one look, or one question, stands for all of them.
            self._retry_at = float("inf") if error.asked else time.monotonic() + _RETRY_SECONDS
            raise VaultError(error.problem) from None
        self.failure = None

    def _load_other(self, part: VaultFile, key_id: str) -> None:
        # Keys of its own: what wraps them is another passphrase than the vault's.
        found = OpenKeys()
        try:
            self.sources.load(part, found)
        except UnavailableError as error:
            self._missing[key_id] = float("inf") if error.asked else time.monotonic() + _RETRY_SECONDS
            raise VaultError(error.problem) from None
        self.open.data.update(found.data)

    def _record(self, key_id: str) -> KeyRecord:
        record = _record_in(self.existing(), key_id)
        if record is None and self._may_look_for(key_id):
            self._read_again()
            record = _record_in(self.existing(), key_id) or self._find_lost(key_id)
        if record is None:
            self._missing.setdefault(key_id, time.monotonic() + _RETRY_SECONDS)
            raise VaultError(_without(key_id))
        return record

    def _may_look_for(self, key_id: str) -> bool:
        if self._missing.get(key_id, 0.0) > time.monotonic():
            return False
        self._missing.pop(key_id, None)
        return True

    def _read_again(self) -> None:
        """Take over what another program has changed in vault.json meanwhile."""
        try:
            self.file = read_vault(self.paths.vault)
        except (OSError, BadFileError):
            _log.debug("vault.json cannot be read now; what was known of it stays.")

    def _find_lost(self, key_id: str) -> KeyRecord | None:
        """Look for a key that vault.json has forgotten, and add it there."""
        held = self.sources.find_lost(key_id)
        if held is None or held.id != key_id:
            return None
        _log.warning("Key %s was not in vault.json; its holder still had it.", key_id)
        record = record_of(held)
        self.open.data[key_id] = held.data_key
        file = self.existing()
        if file.version:
            # It is of this computer only: what other desktops share is not added to behind their backs.
            lost = VaultFile(held.vault, file.holder, held.id, (record,))
            file = file._replace(others=(*file.others, lost))
        else:
            file = file.with_key(record, current=False)
        self.file = file
        if self.writable:
            try:
                self.write(file)
            except VaultError as error:
                _log.warning("%s", error)
        return record


def refuse_read_only(writable: bool) -> None:
    """Raise VaultError (READ_ONLY) where the vault may not be changed."""
    if not writable:
        text = "The vault cannot be changed: this data folder is open read-only."
        solution = "Close the other program that uses it, or make it writable."
        raise VaultError(Problem(Category.READ_ONLY, text, solution))


_OLD: Final[Mapping[Kind, str]] = {
    "passphrase": "The vault is still locked: this is the passphrase that this computer's own vault had before.",
    "recovery": "The vault is still locked: this is the recovery key of this computer's own vault.",
}


def _record_in(file: VaultFile, key_id: str) -> KeyRecord | None:
    part = file.part(key_id)
    return None if part is None else part.key(key_id)


def _without_keys_of(part: VaultFile, header: VaultFile) -> VaultFile | None:
    """Return what is left of a vault when the keys that `header` has are taken out of it."""
    keys = tuple(key for key in part.keys if header.key(key.id) is None)
    if not keys:
        return None
    current = part.current if any(key.id == part.current for key in keys) else keys[-1].id
    return part._replace(keys=keys, current=current, version=0, synced="", others=())


def _without(key_id: str) -> Problem:
    return Problem(
        Category.LOCKED,
        f"The secret was sealed with a key that this vault does not have ({key_id}).",
        "Put the vault.json that belongs to this database back into the data folder, or enter the secret again.",
    )
