"""The cryptography of the vault and nothing else: sealed tokens, wrapped keys, keys from passphrases.

AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D); Argon2id with the second recommended option of RFC 9106.
`cryptography` is imported at the first use: a start that opens no secret does without its 23 ms.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from typing import Final, NamedTuple

from models.problem import Category, Problem, VaultError
from models.secret import SealedSecret, Secret

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PROGRAM: Final = "cts-connections"
_FORMAT: Final = "cts1"
_TOKEN: Final = re.compile(r"cts1\.([0-9a-z]{1,32})\.([0-9A-Za-z+/]+={0,2})")

MEMORY_LIMIT_KIB: Final = 1024 * 1024
PASSES_LIMIT: Final = 20
LANES_LIMIT: Final = 16
_SALT_BYTES: Final = 16


class Kdf(NamedTuple):
    """How a key comes from a passphrase: Argon2id with these parameters. Memory is in KiB."""

    salt: bytes
    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4

    @classmethod
    def fresh(cls) -> "Kdf":
        return cls(os.urandom(_SALT_BYTES))

    def acceptable(self) -> bool:
        """Whether these parameters may be run at all: a file from elsewhere could ask for all memory and for years."""
        return (
            8 * self.lanes <= self.memory_kib <= MEMORY_LIMIT_KIB
            and 1 <= self.passes <= PASSES_LIMIT
            and 1 <= self.lanes <= LANES_LIMIT
            and 8 <= len(self.salt) <= 64
        )

    def derive(self, passphrase: Secret) -> bytes:
        """Return the 32-byte key; about 0.2 s and 64 MiB with the usual parameters."""
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        kdf = Argon2id(
            salt=self.salt, length=KEY_BYTES, iterations=self.passes, lanes=self.lanes, memory_cost=self.memory_kib
        )
        return kdf.derive(passphrase.reveal().encode("utf-8", "surrogatepass"))


class Place(NamedTuple):
    """What a token is bound to. Moved to another record or field, it no longer opens."""

    vault: str
    connection: str
    field: str
    key: str

    def associated(self) -> bytes:
        return _length_prefixed(_PROGRAM, _FORMAT, *self)


class DamagedError(Exception):
    """The ciphertext, its key or its place is not the one that it was made with."""


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def new_key_id() -> str:
    return os.urandom(6).hex()


def seal(data_key: bytes, place: Place, secret: Secret, *, instead_of: str | None = None) -> SealedSecret:
    """Return the token of `secret`; two tokens of one secret differ.

    A token that takes the place of another is always the same one: its nonce comes, by HMAC under the data key, from
    the old token, which is unique. So desktops that renew one token alike have changed nothing in each other's eyes.
    """
    nonce = None if instead_of is None else _nonce_after(data_key, instead_of)
    sealed = _encrypt(data_key, secret.reveal().encode("utf-8", "surrogatepass"), place.associated(), nonce)
    return SealedSecret(f"{_FORMAT}.{place.key}.{base64.b64encode(sealed).decode()}")


def open_sealed(data_key: bytes, place: Place, sealed: bytes) -> Secret:
    """Return the secret. Raises DamagedError where a bit, the record or the field is not the one it was sealed for."""
    return Secret(_decrypt(data_key, sealed, place.associated()).decode("utf-8", "surrogatepass"))


def split_token(token: str) -> tuple[str, bytes]:
    """Return the key id and the ciphertext of a token. Raises VaultError (DAMAGED_SECRET) for what is not one."""
    match = _TOKEN.fullmatch(token)
    if match is not None:
        try:
            return match[1], base64.b64decode(match[2], validate=True)
        except binascii.Error:
            pass
    raise VaultError(damaged())


def damaged() -> Problem:
    return Problem(
        Category.DAMAGED_SECRET,
        "The stored secret is damaged, or was moved here from another connection or field.",
        "Enter it again, or restore a backup.",
    )


def wrap_key(wrapping_key: bytes, vault: str, key_id: str, kind: str, data_key: bytes) -> bytes:
    return _encrypt(wrapping_key, data_key, _length_prefixed(_PROGRAM, "wrap1", vault, key_id, kind))


def unwrap_key(wrapping_key: bytes, vault: str, key_id: str, kind: str, wrapped: bytes) -> bytes:
    """Return the data key. Raises DamagedError: the file being whole, the passphrase was another one."""
    return _decrypt(wrapping_key, wrapped, _length_prefixed(_PROGRAM, "wrap1", vault, key_id, kind))


def fingerprint(data_key: bytes, vault: str, key_id: str) -> str:
    """Return what tells one data key from another and gives nothing of it away."""
    message = _length_prefixed(_PROGRAM, "check1", vault, key_id)
    return hmac.new(data_key, message, hashlib.sha256).hexdigest()[:32]


def new_recovery_key() -> Secret:
    """Return 128 random bits as a person can write them down: base32 in groups of four."""
    text = base64.b32encode(os.urandom(16)).decode().rstrip("=")
    return Secret("-".join(text[at : at + 4] for at in range(0, len(text), 4)))


def canonical_recovery_key(typed: Secret) -> Secret:
    """Return the key as it was made from what was typed: any case, with or without groups, O and I written 0 and 1."""
    letters = re.sub(r"[\s-]", "", typed.reveal()).upper().translate(str.maketrans("018", "OIB"))
    return Secret("-".join(letters[at : at + 4] for at in range(0, len(letters), 4)))


def _nonce_after(data_key: bytes, token: str) -> bytes:
    return hmac.new(data_key, _length_prefixed(_PROGRAM, "renew1", token), hashlib.sha256).digest()[:_NONCE_BYTES]


def _encrypt(key: bytes, clear: bytes, associated: bytes, nonce: bytes | None = None) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = nonce or os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, clear, associated)


def _decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
        raise DamagedError
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
    except InvalidTag:
        raise DamagedError from None


def _length_prefixed(*parts: str) -> bytes:
    """Join parts so that no two lists of parts give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
