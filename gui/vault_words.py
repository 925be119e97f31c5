"""Where the vault's key is, in a word and as a sentence that a person can act on."""

from models.status import VaultStatus

_PLACES = {
    "keyring": "The key is in the keyring of this system: whoever is logged in as you can open the secrets.",
    "passphrase": "The key is wrapped by a passphrase: without it, or the recovery key, nobody opens the secrets.",
    "file": "The key is beside the data, in vault.key: whoever copies the whole folder can open the secrets. "
    "Set a passphrase to take it away from there.",
    "none": "There is no key yet. It is made with the first start that can write.",
}
SHORT = {
    "keyring": "System keyring",
    "passphrase": "Passphrase",
    "file": "Key beside the data",
    "none": "No key yet",
}


def sentence(vault: VaultStatus) -> str:
    """Say where the key is and what that means; a locked vault says first what still works."""
    place = _PLACES.get(vault.holder, vault.sentence)
    if not vault.locked:
        return place
    return f"Locked: secrets can be neither used nor changed; everything else works. {place}"


def tone(vault: VaultStatus) -> str:
    return "warning" if vault.locked or vault.holder == "file" else "muted"
