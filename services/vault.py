"""What a person may do with the vault: unlock it, give it a passphrase, a recovery key, another holder of its key."""

from typing import TYPE_CHECKING, Final, Literal

from models.event import VaultChanged
from models.problem import InputError, Problem
from models.secret import Secret
from models.status import VaultStatus

if TYPE_CHECKING:
    from services.events import Events
    from services.late_vault import LateVault

SHORTEST_PASSPHRASE: Final = 8
_MOST = 1_000


class VaultService:
    """Every call may take a second (the passphrase is stretched); all raise CtsError and publish VaultChanged."""

    def __init__(self, vault: "LateVault", events: "Events") -> None:
        self._vault = vault
        self._events = events

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

    def _publish(self) -> VaultStatus:
        status = self._vault.status
        self._events.publish(VaultChanged(status))
        return status


def check_passphrase(passphrase: Secret) -> None:
    """Raise InputError for a passphrase that is too short to protect anything, or absurdly long."""
    length = len(passphrase.reveal())
    if length < SHORTEST_PASSPHRASE:
        raise InputError(
            "The passphrase is too short.", f"Use at least {SHORTEST_PASSPHRASE} characters; a few words are best."
        )
    if length > _MOST:
        raise InputError("The passphrase is too long.", f"Use at most {_MOST} characters.")
