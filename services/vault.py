"""What a person may do with the vault: unlock it, give it a passphrase, a recovery key, another holder of its key."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from models.event import Notice, VaultChanged
from models.problem import Category, InputError, Problem, StoreError
from models.secret import Secret
from models.status import StoreStatus, VaultStatus

if TYPE_CHECKING:
    from services.events import Events
    from services.late_vault import LateVault
    from storage.open_database import OpenDatabase

SHORTEST_PASSPHRASE: Final = 8
_MOST = 1_000
KEPT: Final = "The old key is kept for what is still sealed with it, such as backups made before."


class Rotated(NamedTuple):
    """What a rotation did. `sealed` counts connections; `failed` rows that could not be opened and stay as they are.

    `kept` are old keys that something still needs: a backup from before, a change that was refused, a file that is not
    up to date. The next rotation drops them where nothing does any more. `recovery_key` replaces the one that the
    person has; None if there was none.
    """

    sealed: int
    failed: int
    kept: tuple[str, ...]
    recovery_key: Secret | None


class HasDatabase(Protocol):
    """The part of the Store that a rotation uses."""

    @property
    def database(self) -> "OpenDatabase | None": ...

    @property
    def status(self) -> StoreStatus: ...

    def refresh(self) -> None: ...

    def retry(self) -> None: ...


class SealedSettings(Protocol):
    """The part of the settings that keeps a secret of its own."""

    def reseal(self) -> None: ...


class RotationFiles(Protocol):
    """The part of the data folder that has sealed secrets."""

    @property
    def connections(self) -> Path: ...

    @property
    def settings(self) -> Path: ...

    @property
    def database(self) -> Path: ...

    @property
    def backups(self) -> Path: ...

    @property
    def quarantine(self) -> Path: ...


class VaultService:
    """Every call may take a second (the passphrase is stretched); all raise CtsError and publish VaultChanged."""

    def __init__(
        self,
        vault: "LateVault",
        events: "Events",
        *,
        store: HasDatabase,
        folder: RotationFiles,
        settings: SealedSettings,
    ) -> None:
        self._vault = vault
        self._events = events
        self._store = store
        self._folder = folder
        self._settings = settings

    def status(self) -> VaultStatus:
        return self._vault.status

    def load(self) -> VaultStatus:
        """Load the key now, so that the status is the whole truth: opening the vault only looks."""
        return self._vault.opened().load()

    @property
    def problem(self) -> Problem | None:
        return self._vault.problem

    def unlock(self, passphrase: Secret) -> VaultStatus:
        """Open with the passphrase; raises VaultError (LOCKED) where it is another one."""
        self._vault.opened().unlock(passphrase)
        return self._publish()

    def unlock_with_recovery_key(self, recovery_key: Secret) -> VaultStatus:
        self._vault.opened().unlock_with_recovery_key(recovery_key)
        return self._publish()

    def set_passphrase(self, passphrase: Secret) -> VaultStatus:
        """Set or change the passphrase; no secret is sealed anew. Raises InputError where it is too short."""
        check_passphrase(passphrase)
        self._vault.opened().set_passphrase(passphrase)
        return self._publish()

    def make_recovery_key(self) -> Secret:
        """Return a new recovery key, to be shown once; the one before no longer opens."""
        key = self._vault.opened().make_recovery_key()
        self._publish()
        return key

    def hold_by(self, holder: Literal["keyring", "passphrase", "file"]) -> VaultStatus:
        self._vault.opened().hold_by(holder)
        return self._publish()

    def begin_anew(self) -> VaultStatus:
        """Make a new vault where nothing opens the old one any more: secrets can be entered again.

        Those that are stored stay sealed; should the old key turn up, they open.
        """
        self._vault.opened().lost.begin_anew()
        return self._publish()

    def key_lies_open(self) -> bool:
        """Tell whether the key is beside data that lasts: whoever copies the folder could open what is sealed."""
        return self._vault.status.holder == "file" and not self._store.status.temporary

    def wants(self) -> Literal["", "unlock", "passphrase"]:
        """Return what a person has to do before secrets can be used: unlock, or set the shared vault's passphrase."""
        if self._vault.status.locked:
            return "unlock"
        refusal = self._vault.sharing.refusal
        return "passphrase" if refusal is not None and refusal.category is Category.PASSPHRASE else ""

    def rotation_needs_passphrase(self) -> bool:
        return self._vault.opened().rotation_needs_passphrase()

    def rotate(
        self, passphrase: Secret | None = None, watch: Callable[[int, int], None] = lambda _done, _total: None
    ) -> Rotated:
        """Seal every secret with a new key and drop the old one where nothing needs it any more.

        A rotation that was interrupted is finished instead. `passphrase` is needed where the vault has one that was
        not typed since the start. `watch` is told how many rows are done, of how many.
        """
        from storage.rotation import copies, keys_in_use, record_files, renew_database, stale_rows

        vault, database = self._vault.opened(), self._store.database
        if database is None or database.read_only:
            text = "The key can only be changed while the database is there and takes changes."
            raise StoreError(Problem(Category.READ_ONLY, text, "Wait until it is back, and try again."))
        stale = len(stale_rows(database, vault.key_ids[-1])) if len(vault.key_ids) > 1 else 0
        done = renew_database(database, vault.key_ids[-1], vault.renew, watch) if stale else None
        if done is not None and done.failed < stale:
            # Whoever was interrupted before the end has not seen the recovery key of then.
            recovery = vault.make_recovery_key() if vault.sharing.has_recovery_key else None
        else:
            # What is damaged keeps its old key for ever, and must not keep a new one from being made.
            recovery = vault.begin_rotation(passphrase).recovery_key
            done = renew_database(database, vault.key_ids[-1], vault.renew, watch)
        self._settings.reseal()
        self._store.refresh()
        files = [*record_files(self._folder.connections), self._folder.settings]
        files += copies(self._folder.backups, self._folder.quarantine)
        if database.dialect == "postgresql":
            files.append(self._folder.database)
        vault.finish_rotation(keys_in_use(database, files))
        self._publish()
        rotated = Rotated(done.sealed, done.failed, vault.key_ids[:-1], recovery)
        self._events.publish(Notice("info", _sentence(rotated)))
        return rotated

    def _publish(self) -> VaultStatus:
        status = self._vault.status
        self._events.publish(VaultChanged(status))
        problem = self._store.status.problem
        if problem is not None and problem.category in {Category.LOCKED, Category.PASSPHRASE} and not self.wants():
            # What waited for the vault can go now.
            self._store.retry()
        return status


def _sentence(rotated: Rotated) -> str:
    noun = "connection is" if rotated.sealed == 1 else "connections are"
    left = f" {rotated.failed:,} could not be opened and stayed as they were." if rotated.failed else ""
    kept = f" {KEPT}" if rotated.kept else ""
    return f"The vault has a new key; {rotated.sealed:,} {noun} sealed with it.{left}{kept}"


def check_passphrase(passphrase: Secret) -> None:
    """Raise InputError for a passphrase that is too short to protect anything, or absurdly long."""
    length = len(passphrase.reveal())
    if length < SHORTEST_PASSPHRASE:
        raise InputError(
            "The passphrase is too short.", f"Use at least {SHORTEST_PASSPHRASE} characters; a few words are best."
        )
    if length > _MOST:
        raise InputError("The passphrase is too long.", f"Use at most {_MOST} characters.")
