"""Secrets that do not leak by accident: a value that hides itself, and the sealed token that every store keeps."""

from collections.abc import Iterator
from typing import NoReturn
from weakref import WeakValueDictionary

_HIDDEN = "Secret(***)"
_live: "WeakValueDictionary[int, Secret]" = WeakValueDictionary()


class Secret:
    """A credential in memory. `repr`, `str`, `format` and pickling give nothing away, `reveal()` does."""

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        _live[id(self)] = self

    def reveal(self) -> str:
        """Return the value in clear. Use it at once and do not keep it."""
        return self._value

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret cannot be pickled or copied.")


class SealedSecret(str):
    """An encrypted credential as every store keeps it: `cts1.<key id>.<base64>` (see storage/vault.py).

    It is not secret, but it says nothing to a person, so `repr` keeps it out of logs.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "SealedSecret(set)"


Credential = Secret | SealedSecret | None
"""What a credential field of a connection holds: typed in (Secret), stored (SealedSecret), or not set (None)."""


def live_secret_values() -> Iterator[str]:
    """Yield the value of every Secret now in memory; only the redacting log filter may ask."""
    # One step that no other thread can come between; values() would fail while another one makes a Secret.
    for reference in _live.valuerefs():
        if (secret := reference()) is not None:
            yield secret.reveal()
