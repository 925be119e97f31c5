"""The vault before and after the start has opened it.

Everything that needs secrets is built before the start runs, and opening a vault may ask a keyring and take seconds.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from models.problem import Category, Problem, VaultError
from models.secret import SealedSecret, Secret
from models.status import VaultStatus

if TYPE_CHECKING:
    from storage.shared_vault import Sharing
    from storage.vault import Vault

_NOT_YET = Problem(Category.LOCKED, "The vault is not open yet.", "Try again in a moment.")


class LateVault:
    """Hands every call to the vault; until `open` has been called, raises VaultError (LOCKED)."""

    def __init__(self, open_vault: "Callable[[bool], Vault]") -> None:
        self._open_vault = open_vault
        self._vault: Vault | None = None

    def open(self, *, writable: bool) -> VaultStatus:
        """Open the vault, or make it on the first run where `writable`."""
        self._vault = self._open_vault(writable)
        return self._vault.status

    @property
    def status(self) -> VaultStatus:
        return self._vault.status if self._vault else VaultStatus("none", locked=True, sentence="not open yet")

    @property
    def problem(self) -> Problem | None:
        return self._vault.problem if self._vault else _NOT_YET

    def seal(self, connection_id: str, field: str, secret: Secret) -> SealedSecret:
        return self.opened().seal(connection_id, field, secret)

    def open_secret(self, connection_id: str, field: str, token: SealedSecret) -> Secret:
        return self.opened().open_secret(connection_id, field, token)

    def reseal(self, from_id: str, to_id: str, field: str, token: SealedSecret) -> SealedSecret:
        return self.opened().reseal(from_id, to_id, field, token)

    def renew(self, connection_id: str, field: str, token: SealedSecret) -> SealedSecret:
        return self.opened().renew(connection_id, field, token)

    @property
    def sharing(self) -> "Sharing":
        return self.opened().sharing

    def opened(self) -> "Vault":
        """Return the vault itself; raises VaultError before `open`."""
        if self._vault is None:
            raise VaultError(_NOT_YET)
        return self._vault


def renewed_or_as_it_is(vault: LateVault, connection_id: str, field: str, token: SealedSecret) -> SealedSecret:
    """Seal a secret with the vault's key of now. One that nobody can open goes along as it is. Raises VaultError."""
    try:
        return vault.renew(connection_id, field, token)
    except VaultError as error:
        if error.problem.category is Category.DAMAGED_SECRET:
            return token
        raise
