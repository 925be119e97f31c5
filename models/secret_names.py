"""Which field names speak of a secret: what bears one is never kept where it is not encrypted."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_NAME: Final = re.compile(
    r"api_?key|secret|pass_?phrase|passw|passwd|(^|_)pass$|(^|_)pwd$|token|private_?key|credential|mnemonic|seed_?phrase"
    r"|(^|_)auth(orization)?$|bearer|(^|_)cookie|signature|(^|_)sign$"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return a field name as CTS's database writes it: apiKey and API-Key are api_key."""
    return _CAMEL.sub("_", name).replace("-", "_").replace(" ", "_").lower()


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name may hold a secret. It errs on the side of yes, save for flags and counts."""
    plain = snake(name)
    if plain.startswith(("has_", "is_", "max_", "num_")) or plain.endswith(("_set", "_count", "_at", "_enabled")):
        return False
    return _NAME.search(plain) is not None


def secret_fields(value: Any) -> Iterator[str]:
    """Yield the names of the fields, at any depth, that are named like secrets and hold a text."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from secret_fields(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(name, str) and is_secret_name(name) and _holds_text(item):
                yield name
            else:
                yield from secret_fields(item)


def _holds_text(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_text, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_text, value))
    return isinstance(value, str) and bool(value.strip())
