"""How a vault is found, found again, or made: what happens before the first secret is sealed."""

import logging
import os
import uuid
from pathlib import Path
from typing import NamedTuple

from models.problem import Category, Problem, StoreError, VaultError
from models.secret import Secret
from storage.atomic_file import BadFileError, backup_of
from storage.envelope import fingerprint, new_key, new_key_id
from storage.key_holders import HeldKey, KeyringError, PassphraseFileError
from storage.key_sources import KeySources, OpenKeys, VaultPaths, wrap_all
from storage.quarantine import put_away
from storage.vault_file import Holder, KeyRecord, VaultFile, read_vault, write_vault

_log = logging.getLogger(__name__)


class Found(NamedTuple):
    """What is on the disk. `problem` is something to say even where a vault was found."""

    file: VaultFile | None
    problem: Problem | None = None


class NotMadeError(Exception):
    """No vault could be made; carries the Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def find(paths: VaultPaths, sources: KeySources, *, writable: bool) -> Found:
    """Return the vault of the folder: vault.json, else its .bak, else what the key file knows. Never raises."""
    problem = None
    for path in (paths.vault, backup_of(paths.vault)):
        try:
            file = read_vault(path)
        except FileNotFoundError:
            continue
        except BadFileError as error:
            where = ""
            if writable:
                where = _set_aside(paths, path)
            problem = problem or _damaged(path.name, error.why, where)
        except OSError as error:
            return Found(None, _unreadable(path.name, error))
        else:
            if path != paths.vault and writable:
                _write_quietly(paths, file)
            return Found(file, problem)
    rebuilt = _from_key_file(sources)
    if rebuilt is not None and writable:
        _write_quietly(paths, rebuilt)
    return Found(rebuilt, problem)


def make(paths: VaultPaths, sources: KeySources, keys: OpenKeys) -> VaultFile:
    """Make a vault with a new key: the first holder that takes it keeps it. Raises NotMadeError."""
    held = HeldKey(str(uuid.uuid4()), new_key_id(), new_key())
    fresh = OpenKeys({held.id: held.data_key})
    file = _hand_over(paths, sources, fresh, held)
    try:
        write_vault(paths.vault, file)
    except OSError as error:
        sources.forget(file.holder, [held.id])
        raise NotMadeError(
            Problem(
                Category.NOT_WRITABLE,
                f"The vault could not be made: {paths.vault} cannot be written ({error.strerror}).",
                "Free space or mend the permissions of the data folder, and try again.",
            )
        ) from error
    keys.data.update(fresh.data)
    keys.wrapping.update(fresh.wrapping)
    _log.info("Made a vault; its key is with the holder %s.", file.holder)
    return file


def put_aside(paths: VaultPaths) -> None:
    """Move a vault that nothing opens to quarantine, its key file too. Raises VaultError; then it is where it was."""
    moved: list[tuple[Path, Path]] = []
    try:
        for path in (paths.vault_key, backup_of(paths.vault), paths.vault):
            if os.path.lexists(path):
                kept = put_away(path, paths.quarantine)
                moved.append((path, kept))
    except StoreError as error:
        for path, kept in reversed(moved):
            kept.rename(path)
        raise VaultError(error.problem) from error
    _log.warning("The vault is begun anew; the old one is kept in quarantine.")


def _hand_over(paths: VaultPaths, sources: KeySources, keys: OpenKeys, held: HeldKey) -> VaultFile:
    # A named passphrase file is somebody's explicit word, so it comes before the keyring.
    try:
        passphrase = sources.named_passphrase()
    except PassphraseFileError as error:
        raise NotMadeError(
            Problem(Category.LOCKED, f"The vault could not be made. {error}", "Correct CTS_PASSPHRASE_FILE.")
        ) from None
    if passphrase is not None:
        return _wrapped(held, keys, passphrase)
    # A temporary folder would leave an entry in the keyring at every start.
    if not paths.temporary and _keyring_takes(sources, held):
        return vault_of(held, "keyring")
    passphrase = sources.passphrase_for_new()
    if passphrase is not None:
        return _wrapped(held, keys, passphrase)
    try:
        sources.put("file", [held])
    except OSError as error:
        raise NotMadeError(
            Problem(
                Category.NOT_WRITABLE,
                f"The vault could not be made: {paths.vault_key} cannot be written ({error.strerror}).",
                "Free space or mend the permissions of the data folder, and try again.",
            )
        ) from error
    _log.warning(
        "The vault's key is beside the data, in %s: there is no keyring, and nobody set a passphrase.", paths.vault_key
    )
    return vault_of(held, "file")


def vault_of(held: HeldKey, holder: Holder) -> VaultFile:
    return VaultFile(held.vault, holder, held.id, (record_of(held),))


def record_of(held: HeldKey) -> KeyRecord:
    return KeyRecord(held.id, held.vault, fingerprint(held.data_key, held.vault, held.id))


def _wrapped(held: HeldKey, keys: OpenKeys, passphrase: Secret) -> VaultFile:
    file, keys.wrapping["passphrase"] = wrap_all(vault_of(held, "passphrase"), keys, "passphrase", passphrase)
    return file


def _keyring_takes(sources: KeySources, held: HeldKey) -> bool:
    if not sources.keyring.may_exist():
        return False
    try:
        sources.keyring.store(held)
    except KeyringError as error:
        _log.warning("%s", error)
        return False
    return True


def _from_key_file(sources: KeySources) -> VaultFile | None:
    try:
        held = sources.key_file.read()
    except (OSError, StoreError):
        return None
    if not held:
        return None
    _log.warning("vault.json was lost; the key file knows the vault and its keys.")
    last = held[-1]
    return VaultFile(last.vault, "file", last.id, tuple(record_of(key) for key in held))


def _set_aside(paths: VaultPaths, path: Path) -> str:
    try:
        return str(put_away(path, paths.quarantine))
    except StoreError as error:
        _log.warning("%s", error)
        return ""


def _write_quietly(paths: VaultPaths, file: VaultFile) -> None:
    try:
        write_vault(paths.vault, file)
    except OSError as error:
        _log.warning("vault.json could not be written again: %s", error.strerror)


def _damaged(name: str, why: str, where: str) -> Problem:
    kept = f" It is kept as {where}." if where else ""
    return Problem(
        Category.BAD_FILE,
        f"The vault file {name} {why}.{kept}",
        "If secrets stay locked, put a good copy of vault.json back into the data folder.",
    )


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(
        Category.LOCKED,
        f"The vault file {name} cannot be read ({error.strerror}).",
        "Mend the permissions of the data folder.",
    )
