"""Where a vault's keys come from when one is needed, and where they are put when a vault is made."""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from models.problem import Category, Problem
from models.secret import Secret
from storage.atomic_file import BadFileError
from storage.envelope import DamagedError, Kdf, fingerprint, unwrap_key, wrap_key
from storage.key_holders import HeldKey, KeyFile, KeyringError, PassphraseFileError, SystemKeyring, passphrase_from_file
from storage.vault_file import Holder, Kind, VaultFile

AskPassphrase = Callable[[], Secret | None]
UNLOCK: Final = "Unlock it in Settings, Vault."
UNLOCK_BY_COMMAND: Final = "Name the file that holds the passphrase in CTS_PASSPHRASE_FILE."

_log = logging.getLogger(__name__)


class VaultPaths(Protocol):
    """What the vault needs of the data folder."""

    @property
    def vault(self) -> Path: ...
    @property
    def vault_key(self) -> Path: ...
    @property
    def quarantine(self) -> Path: ...
    @property
    def temporary(self) -> bool: ...


class OpenKeys:
    """The keys in memory: data keys by id, and what wraps them where a passphrase or recovery key was typed in."""

    __slots__ = ("data", "wrapping")

    def __init__(self, data: dict[str, bytes] | None = None) -> None:
        self.data = data or {}
        self.wrapping: dict[Kind, bytes] = {}


class UnavailableError(Exception):
    """The keys cannot be had now. `asked`: a person was asked and should not be asked again by itself."""

    def __init__(
        self, text: str, solution: str = UNLOCK, by_command: str = UNLOCK_BY_COMMAND, *, asked: bool = False
    ) -> None:
        super().__init__(text)
        self.problem = Problem(Category.LOCKED, text, solution, by_command=by_command)
        self.asked = asked


class KeySources:
    """The system keyring, the key file and the passphrase, as one vault uses them."""

    def __init__(
        self,
        paths: VaultPaths,
        passphrase: AskPassphrase | None,
        environment: Mapping[str, str],
        keyring: SystemKeyring,
    ) -> None:
        self.keyring = keyring
        self.key_file = KeyFile(paths.vault_key)
        self._ask = passphrase
        self._environment = environment

    def may_open(self, vault: VaultFile) -> bool:
        """Whether there is anybody to ask for the keys; looks, but loads nothing."""
        if vault.holder == "keyring" and self.keyring.may_exist():
            return True
        if vault.holder == "file" and self.key_file.path.exists():
            return True
        named = self._environment.get("CTS_PASSPHRASE_FILE", "")
        return "passphrase" in vault.kdf and (self._ask is not None or bool(named and Path(named).exists()))

    def load(self, vault: VaultFile, keys: OpenKeys) -> None:
        """Fill `keys` with what the holder gives, else what the passphrase opens. Raises UnavailableError."""
        try:
            if vault.holder == "keyring":
                keys.data.update(known_keys(vault, self._from_keyring(vault)))
            elif vault.holder == "file":
                keys.data.update(known_keys(vault, self._from_key_file()))
            if vault.current in keys.data:
                return
            failure = UnavailableError(_GONE[vault.holder], _BACK[vault.holder], "")
        except UnavailableError as error:
            failure = error
        if "passphrase" not in vault.kdf:
            raise UnavailableError(failure.problem.text, *ways_out(vault, failure.problem.solution))
        self._by_passphrase(vault, keys)

    def find_lost(self, key_id: str) -> HeldKey | None:
        """Return a key that vault.json does not know, where the keyring or the key file still has it."""
        try:
            for held in self._from_key_file():
                if held.id == key_id:
                    return held
        except UnavailableError:
            _log.debug("There is no key file to look into.")
        try:
            return self.keyring.load(key_id) if self.keyring.may_exist() else None
        except KeyringError:
            return None

    def keyring_has(self, key_id: str) -> bool:
        try:
            return self.keyring.load(key_id) is not None
        except KeyringError:
            return False

    def put(self, holder: Holder, held: Iterable[HeldKey]) -> None:
        """Hand every key to the holder. Raises KeyringError or OSError; then the keys are not held there."""
        if holder == "keyring":
            for key in held:
                self.keyring.store(key)
        elif holder == "file":
            self.key_file.write(tuple(held))

    def forget(self, holder: Holder, key_ids: Iterable[str]) -> None:
        """Let a holder that is no longer used forget the keys, as far as it can; what stays is said in the log."""
        try:
            if holder == "keyring":
                for key_id in key_ids:
                    self.keyring.delete(key_id)
            elif holder == "file":
                self.key_file.remove()
        except (KeyringError, OSError) as error:
            _log.warning("The %s that held the vault's key before could not be cleared: %s", holder, error)

    def passphrase_for_new(self) -> Secret | None:
        """Ask the person for the passphrase of a new vault; None: nobody is there, or nothing was typed."""
        typed = self._ask() if self._ask is not None else None
        return typed or None

    def named_passphrase(self) -> Secret | None:
        """Return what CTS_PASSPHRASE_FILE names, None where it names nothing. Raises PassphraseFileError."""
        return passphrase_from_file(self._environment)

    def named_or_empty(self) -> Secret:
        """Return what CTS_PASSPHRASE_FILE names, or what opens nothing."""
        try:
            return self.named_passphrase() or Secret("")
        except PassphraseFileError:
            return Secret("")

    def _from_keyring(self, vault: VaultFile) -> list[HeldKey]:
        try:
            found = [self.keyring.load(key.id) for key in vault.keys]
        except KeyringError as error:
            raise UnavailableError(f"The vault is locked. {error}", _KEYRING, "") from None
        return [held for held in found if held is not None]

    def _from_key_file(self) -> tuple[HeldKey, ...]:
        try:
            return self.key_file.read()
        except FileNotFoundError:
            raise UnavailableError(_GONE["file"], _BACK["file"], "") from None
        except BadFileError as error:
            raise UnavailableError(f"The vault is locked: its key file {error.why}.", _BACK["file"], "") from None
        except OSError as error:
            text = f"The vault is locked: its key file cannot be read ({error.strerror})."
            raise UnavailableError(text, "Mend the permissions of vault.key", "") from None

    def _by_passphrase(self, vault: VaultFile, keys: OpenKeys) -> None:
        try:
            named = self.named_passphrase()
            if named is not None and unlock_with(vault, keys, "passphrase", named):
                return
            failure = (
                UnavailableError(_GONE["passphrase"])
                if named is None
                else UnavailableError(_WRONG_FILE, _CORRECT, _CORRECT_BY_COMMAND)
            )
        except PassphraseFileError as error:
            failure = UnavailableError(f"The vault is locked. {error}", _CORRECT, _CORRECT_BY_COMMAND)
        if self._ask is None:
            raise failure
        typed = self._ask()
        if not typed:
            raise UnavailableError(_GONE["passphrase"], asked=True)
        if not unlock_with(vault, keys, "passphrase", typed):
            raise UnavailableError(WRONG["passphrase"], asked=True)


WRONG: Final[Mapping[Kind, str]] = {
    "passphrase": "The vault is still locked: this is not its passphrase.",
    "recovery": "The vault is still locked: this is not its recovery key.",
}
_WRONG_FILE: Final = "The vault is locked: the file that CTS_PASSPHRASE_FILE names holds another passphrase."
_GONE: Final[Mapping[Holder, str]] = {
    "keyring": "The vault is locked: the system keyring no longer holds its key.",
    "file": "The vault is locked: its key file vault.key is not there.",
    "passphrase": "The vault is locked: its passphrase was not given.",
}


_BACK: Final[Mapping[Holder, str]] = {
    "keyring": "If another computer opens it, set a passphrase there and copy its vault.json",
    "file": "Put vault.key back from a copy of the data folder",
    "passphrase": "",
}
_KEYRING: Final = "Start and unlock the keyring of your desktop, and try again"
_CORRECT: Final = "Correct the file that CTS_PASSPHRASE_FILE names, or unlock the vault in Settings, Vault."
_CORRECT_BY_COMMAND: Final = "Correct the file that CTS_PASSPHRASE_FILE names."


def ways_out(vault: VaultFile, first: str) -> tuple[str, str]:
    """Say what may open a vault without a passphrase, or what to do where nothing will: in the window, by command."""
    if "recovery" in vault.kdf:
        return f"{first}; or type the recovery key in Settings, Vault.", f"{first}; or use `vault recover`."
    lost = f"{first}. Where that is lost, begin anew"
    return f"{lost} in Settings, Vault.", f"{lost} with `vault begin-anew`."


def known_keys(vault: VaultFile, held: Iterable[HeldKey]) -> dict[str, bytes]:
    """Return the data keys that are what vault.json says they are; an alien key of the same id is left out."""
    found = {}
    for item in held:
        record = vault.key(item.id)
        if record is not None and record.check == fingerprint(item.data_key, record.vault, record.id):
            found[item.id] = item.data_key
    return found


def unlock_with(vault: VaultFile, keys: OpenKeys, kind: Kind, typed: Secret) -> bool:
    """Unwrap every key that `kind` wraps; False where the passphrase or recovery key is another one."""
    if kind not in vault.kdf:
        return False
    wrapping = vault.kdf[kind].derive(typed)
    found = {}
    for record in vault.keys:
        if kind in record.wrapped:
            try:
                found[record.id] = unwrap_key(wrapping, record.vault, record.id, kind, record.wrapped[kind])
            except DamagedError:
                return False
    keys.data.update(found)
    keys.wrapping[kind] = wrapping
    return bool(found)


def unwrap_known(vault: VaultFile, keys: OpenKeys) -> None:
    """Open the keys that another computer has added, where the passphrase or recovery key was typed here before."""
    for kind, wrapping in keys.wrapping.items():
        for record in vault.keys:
            if record.id not in keys.data and kind in record.wrapped:
                with suppress(DamagedError):
                    keys.data[record.id] = unwrap_key(wrapping, record.vault, record.id, kind, record.wrapped[kind])


def wrap_all(vault: VaultFile, keys: OpenKeys, kind: Kind, typed: Secret) -> tuple[VaultFile, bytes]:
    """Return the vault with every open key wrapped by `typed`, with fresh salt, and the key that wraps them."""
    kdf = Kdf.fresh()
    wrapping = kdf.derive(typed)
    records = []
    for record in vault.keys:
        wrapped = {other: value for other, value in record.wrapped.items() if other != kind}
        if record.id in keys.data:
            wrapped[kind] = wrap_key(wrapping, record.vault, record.id, kind, keys.data[record.id])
        records.append(record._replace(wrapped=wrapped))
    return vault._replace(keys=tuple(records), kdf={**vault.kdf, kind: kdf}), wrapping
