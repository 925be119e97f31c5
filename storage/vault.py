"""The vault: seals secrets into tokens that every store may keep, and opens them again.

Each database has a random data key; a holder keeps it (system keyring, passphrase, or a file beside the data).
`data/vault.json` says which keys there are and who holds them. Opening a vault loads no key: that waits for the first
secret, so that a list or a status costs nothing, and works where the key cannot be had.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from models.connection import CREDENTIALS
from models.problem import Category, Problem, VaultError
from models.secret import SealedSecret, Secret
from models.status import VaultStatus
from storage.envelope import (
    DamagedError,
    Place,
    canonical_recovery_key,
    damaged,
    new_recovery_key,
    open_sealed,
    seal,
    split_token,
    wrap_key,
)
from storage.key_holders import SystemKeyring
from storage.key_sources import AskPassphrase, KeySources, VaultPaths, wrap_all
from storage.vault_file import Holder, Kind
from storage.vault_keys import VaultKeys
from storage.vault_opening import find

if TYPE_CHECKING:
    from storage.lost_keys import LostKeys
    from storage.shared_vault import Sharing

_SENTENCES: Final[Mapping[Holder, str]] = {
    "keyring": "system keyring",
    "passphrase": "passphrase",
    "file": "key beside the data",
}


class Rotation(NamedTuple):
    """A rotation that has begun. `recovery_key` replaces the one that the person has, or is None if there was none."""

    key_id: str
    recovery_key: Secret | None


class Vault:
    """One data folder's vault. Every method may be called on any thread; those that raise, raise VaultError."""

    def __init__(self, keys: VaultKeys) -> None:
        self._keys = keys
        self._sharing: Sharing | None = None

    @staticmethod
    def open(
        folder: VaultPaths,
        *,
        passphrase: AskPassphrase | None,
        environment: Mapping[str, str],
        writable: bool,
        keyring: SystemKeyring | None = None,
    ) -> "Vault":
        """Open the folder's vault, or make one where there is none. Never raises: see `status` and `problem`.

        `passphrase` asks the person; it is called when a passphrase is needed, on the thread that needs it.
        """
        sources = KeySources(folder, passphrase, environment, keyring or SystemKeyring(environment))
        found = find(folder, sources, writable=writable)
        keys = VaultKeys(folder, sources, found, writable=writable)
        # A vault.json that is there and cannot be read may be good: it is not replaced.
        if found.file is None and writable and (found.problem is None or found.problem.category is Category.BAD_FILE):
            keys.make()
        return Vault(keys)

    @property
    def problem(self) -> Problem | None:
        """What was wrong with the vault's files, or why it is locked; None if nothing is."""
        return self._keys.problem or self._keys.failure

    @property
    def status(self) -> VaultStatus:
        """Where the key is, as far as that is known without loading it."""
        file = self._keys.file
        if file is None:
            return VaultStatus("none", locked=True, sentence="locked")
        opened = file.current in self._keys.open.data
        locked = not opened and (self._keys.failure is not None or not self._keys.sources.may_open(file))
        return VaultStatus(file.holder, locked, "locked" if locked else _SENTENCES[file.holder])

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys, the one that seals last; more than one while a rotation is under way."""
        file = self._keys.file
        if file is None:
            return ()
        return (*(key.id for key in file.keys if key.id != file.current), file.current)

    @property
    def lost(self) -> "LostKeys":
        """What can be done about keys that this vault does not have."""
        from storage.lost_keys import LostKeys

        return LostKeys(self._keys)

    @property
    def sharing(self) -> "Sharing":
        """The vault's part in a shared database; see shared_vault.join."""
        from storage.shared_vault import Sharing

        with self._keys.lock:
            self._sharing = self._sharing or Sharing(self._keys)
            return self._sharing

    def seal(
        self, connection_id: str, field: str, secret: Secret, *, instead_of: SealedSecret | None = None
    ) -> SealedSecret:
        """Return the token of `secret`, bound to this connection and field; `instead_of`: see envelope.seal.

        Raises VaultError: LOCKED, or PASSPHRASE where a shared database may not have credentials yet.
        """
        with self._keys.lock:
            refusal = _refusal(self._sharing)
            if refusal is not None and field in CREDENTIALS:
                raise VaultError(refusal)
            file = self._keys.existing()
            record, data_key = self._keys.key(file.current)
        return seal(data_key, Place(record.vault, connection_id, field, record.id), secret, instead_of=instead_of)

    def open_secret(self, connection_id: str, field: str, token: SealedSecret) -> Secret:
        """Return the secret in `token`. Raises VaultError: LOCKED (no key) or DAMAGED_SECRET (not what was sealed)."""
        key_id, sealed = split_token(token)
        with self._keys.lock:
            record, data_key = self._keys.key(key_id)
        try:
            return open_sealed(data_key, Place(record.vault, connection_id, field, key_id), sealed)
        except DamagedError:
            raise VaultError(damaged()) from None

    def reseal(self, connection_id_from: str, connection_id_to: str, field: str, token: SealedSecret) -> SealedSecret:
        """Return the same secret bound to another connection: what a duplicate needs."""
        return self.seal(connection_id_to, field, self.open_secret(connection_id_from, field, token))

    def renew(self, connection_id: str, field: str, token: SealedSecret) -> SealedSecret:
        """Return the token sealed with the current key: the same one where it already is. Raises as `seal`.

        Every desktop makes the same new token of the same old one.
        """
        if split_token(token)[0] == self._keys.existing().current and _refusal(self._sharing) is None:
            return token
        return self.seal(connection_id, field, self.open_secret(connection_id, field, token), instead_of=token)

    def load(self) -> VaultStatus:
        """Load the key now, so that `status` is the whole truth. Never raises: see `problem`."""
        with self._keys.lock, suppress(VaultError):
            self._keys.key(self._keys.existing().current)
        return self.status

    def unlock(self, passphrase: Secret) -> None:
        """Open with the passphrase. Raises VaultError (LOCKED) where it is another one."""
        with self._keys.lock:
            self._keys.unlock("passphrase", passphrase)

    def unlock_with_recovery_key(self, recovery_key: Secret) -> None:
        """Open with the recovery key, however it was typed. Raises VaultError (LOCKED) where it is another one."""
        with self._keys.lock:
            self._keys.unlock("recovery", canonical_recovery_key(recovery_key))

    def set_passphrase(self, passphrase: Secret) -> None:
        """Wrap the data key anew; no secret is sealed again. A key beside the data moves behind the passphrase.

        Raises VaultError: the vault is locked, or vault.json cannot be written (then nothing has changed).
        """
        if not passphrase:
            raise VaultError(Problem(Category.INVALID, "A passphrase cannot be empty.", "Type one."))
        with self._keys.lock:
            file = self._keys.changeable()
            new, wrapping = wrap_all(file, self._keys.open, "passphrase", passphrase)
            holder = "passphrase" if file.holder == "file" else file.holder
            self._keys.save(new._replace(holder=holder), {"passphrase": wrapping})
            if file.holder == "file":
                self._keys.sources.forget("file", ())

    def make_recovery_key(self) -> Secret:
        """Return a new recovery key, to be shown once; one made before no longer opens. Raises as set_passphrase."""
        with self._keys.lock:
            key = new_recovery_key()
            new, wrapping = wrap_all(self._keys.changeable(), self._keys.open, "recovery", key)
            self._keys.save(new, {"recovery": wrapping})
            return key

    def hold_by(self, holder: Holder) -> None:
        """Move the key to another holder. Raises VaultError: locked, not taken there, or there is no passphrase yet."""
        with self._keys.lock:
            file = self._keys.changeable()
            if holder == "file" and (file.version or file.others):
                text = "The key of a shared vault is not kept in clear beside the data."
                raise VaultError(Problem(Category.INVALID, text, "Keep it in the keyring, or type the passphrase."))
            if holder == "passphrase" and not file.has_passphrase():
                text = "The vault has no passphrase for all of its keys yet."
                raise VaultError(Problem(Category.INVALID, text, "Set the passphrase first."))
            if holder == file.holder:
                return
            self._keys.put(holder, file)
            try:
                self._keys.save(file._replace(holder=holder))
            except VaultError:
                if self._keys.existing().holder != holder:
                    self._keys.sources.forget(holder, [key.id for key in file.keys])
                raise
            self._keys.sources.forget(file.holder, [key.id for key in file.keys])

    def rotation_needs_passphrase(self) -> bool:
        """Tell whether the vault has a passphrase that was not typed since the start: a new key goes behind it."""
        with self._keys.lock:
            file = self._keys.file
            return file is not None and "passphrase" in file.kdf and "passphrase" not in self._keys.open.wrapping

    def begin_rotation(self, passphrase: Secret | None = None) -> Rotation:
        """Make a new key that seals from now on; the old one opens until `finish_rotation`.

        `passphrase` is needed where the vault has one that was not typed since the start and no file names it. Raises
        VaultError.
        """
        with self._keys.lock:
            file = self._keys.changeable()
            if "passphrase" in file.kdf and "passphrase" not in self._keys.open.wrapping:
                self._keys.unlock("passphrase", passphrase or self._keys.sources.named_or_empty())
            record = self._keys.add_key(file.vault)
            if "passphrase" in file.kdf:
                wrapping, data_key = self._keys.open.wrapping["passphrase"], self._keys.open.data[record.id]
                wrapped = wrap_key(wrapping, record.vault, record.id, "passphrase", data_key)
                record = record._replace(wrapped={"passphrase": wrapped})
            new = file.with_key(record, current=True)
            recovery = new_recovery_key() if "recovery" in file.kdf else None
            fresh: dict[Kind, bytes] = {}
            if recovery is not None:
                new, fresh["recovery"] = wrap_all(new, self._keys.open, "recovery", recovery)
            # The holder has the new key before any token can be sealed with it.
            self._keys.put(file.holder, new)
            self._keys.save(new, fresh)
            return Rotation(record.id, recovery)

    def finish_rotation(self, in_use: Collection[str]) -> tuple[str, ...]:
        """Drop every old key that is not among `in_use`, the key ids of all stored tokens; return the dropped ids."""
        with self._keys.lock:
            file = self._keys.changeable()
            kept = tuple(key for key in file.keys if key.id == file.current or key.id in in_use)
            dropped = tuple(key.id for key in file.keys if key not in kept)
            if not dropped:
                return ()
            new = file._replace(keys=kept)
            self._keys.save(new)
            for key_id in dropped:
                self._keys.open.data.pop(key_id, None)
            if file.holder == "file":
                self._keys.put("file", new)
            else:
                self._keys.sources.forget(file.holder, dropped)
            return dropped


def _refusal(sharing: "Sharing | None") -> Problem | None:
    return None if sharing is None else sharing.refusal
