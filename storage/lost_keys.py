"""Keys that a vault does not have: which secrets they lock, where they may still be, and a new vault without them."""

from models.problem import Category, Problem, VaultError
from storage.vault_keys import VaultKeys, refuse_read_only
from storage.vault_opening import put_aside


class LostKeys:
    """One vault's view of them."""

    def __init__(self, keys: VaultKeys) -> None:
        self._keys = keys

    @property
    def known(self) -> frozenset[str]:
        """The ids of every key that vault.json knows, those of this computer's other vaults included."""
        file = self._keys.file
        return frozenset(key.id for part in (file, *file.others) for key in part.keys) if file else frozenset()

    def finds(self, key_id: str) -> bool:
        """Look for a key that vault.json does not know where keys are kept; it may take as long as a keyring does."""
        with self._keys.lock:
            return self._keys.look_again(key_id)

    def begin_anew(self) -> None:
        """Make a new vault in the place of one that nothing opens any more; its files go to quarantine.

        Raises VaultError, also where the vault opens or is not this computer's own.
        """
        keys = self._keys
        with keys.lock:
            refuse_read_only(keys.writable)
            file = keys.existing()
            if file.version:
                text = "The vault is shared through the database: other desktops can still open it."
                solution = "Ask at one of them for the passphrase, and type it here."
                raise VaultError(Problem(Category.INVALID, text, solution))
            if keys.look_again(file.current):
                text = "The vault is open: nothing has to be begun anew."
                solution = "To seal every secret with another key, use New key in Settings, Vault."
                by_command = "To seal every secret with another key, use `vault rotate`."
                raise VaultError(Problem(Category.INVALID, text, solution, by_command=by_command))
            put_aside(keys.paths)
            keys.reset()
