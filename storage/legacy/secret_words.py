"""What counts as a secret in old data: by the name of the field, by the value, and what only pretends to be one."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from models.connection import JsonValue

REMOVED: Final = "[removed]"
SHORTEST_SEARCHED: Final = 8
"""Shorter values are ordinary words too often to be looked for in other fields and in raw bytes."""

_NAME = re.compile(
    r"api_?key|secret|pass_?phrase|passw|passwd|(^|_)pass$|(^|_)pwd$|token|private_?key|credential|mnemonic|seed_?phrase"
    r"|(^|_)auth(orization)?$|bearer|(^|_)cookie|signature"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLACEHOLDER = re.compile(
    r"(your|enter|insert|paste|put|add|replace)[\s_-]?(\w{1,12}[\s_-]){0,3}(api|secret|key|pass)[\s\w-]{0,30}"
    r"|no[\s_-]?(api[\s_-]?)?(key|secret|pass(word|phrase)?|credentials?)|none|null|nil|undefined|n/?a|todo|tbd|empty"
    r"|not[\s_-]?set|removed-[0-9A-F]{16}|placeholder|dummy|change[\s_-]?me|\W*|(?P<one>.)(?P=one)*|<.*>|\[.*\]|\$?\{.*\}",
    re.IGNORECASE,
)


def snake(name: str) -> str:
    """Return a field name as CTS's database writes it: apiKey and API-Key are api_key."""
    return _CAMEL.sub("_", name).replace("-", "_").replace(" ", "_").lower()


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name may hold a secret. It errs on the side of yes, save for flags and counts."""
    plain = snake(name)
    if plain.startswith(("has_", "is_", "max_", "num_")) or plain.endswith(("_set", "_count", "_at", "_enabled")):
        return False
    return _NAME.search(plain) is not None


def is_placeholder(value: str) -> bool:
    """Tell whether a credential is only a note that there is none: empty, your-api-key-here, NO KEY, xxx."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_sealed(value: str) -> bool:
    """Tell whether a value is a token of the vault, which is no secret in clear."""
    return value.startswith("cts1.")


def is_searchable(value: str) -> bool:
    """Tell whether finding this value somewhere means that the secret is there, and not just the same word."""
    text = value.strip()
    if len(text) < SHORTEST_SEARCHED or is_placeholder(text):
        return False
    return len(text) >= 16 or (any(c.isdigit() for c in text) and any(c.isalpha() for c in text))


def written_forms(secret: str) -> set[str]:
    """Return a secret as a text may hold it: as it is, and as the writers of JSON escape it."""
    escaped = json.dumps(secret, ensure_ascii=False)[1:-1]
    ascii_only = json.dumps(secret)[1:-1]
    return {secret, escaped, ascii_only, escaped.replace("/", "\\/"), ascii_only.replace("/", "\\/")}


class Finder:
    """Finds known secrets inside texts, at the same speed however many there are."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._by_head: dict[str, list[str]] = {}
        self.forms = {form for secret in secrets if is_searchable(secret) for form in written_forms(secret.strip())}
        for form in self.forms:
            self._by_head.setdefault(form[:SHORTEST_SEARCHED], []).append(form)

    def find(self, text: str) -> str | None:
        """Return the first secret in a text, None where there is none."""
        heads, size = self._by_head, SHORTEST_SEARCHED
        if not heads:
            return None
        for index in range(len(text) - size + 1):
            candidates = heads.get(text[index : index + size])
            if candidates:
                for secret in sorted(candidates, key=len, reverse=True):
                    if text.startswith(secret, index):
                        return secret
        return None

    def clean(self, text: str) -> str:
        while (secret := self.find(text)) is not None:
            text = text.replace(secret, REMOVED)
        return text


def redact(value: Any, finder: Finder) -> Any:
    """Return a JSON value without fields named like secrets, and with known secrets replaced inside its texts."""
    if isinstance(value, str):
        return finder.clean(value)
    if isinstance(value, list):
        return [redact(item, finder) for item in value]
    if isinstance(value, dict):
        return {finder.clean(key): redact(item, finder) for key, item in value.items() if not _holds_secret(key, item)}
    return value


def _holds_secret(key: object, item: object) -> bool:
    return isinstance(key, str) and is_secret_name(key) and not isinstance(item, bool | None)


def secrets_within(value: JsonValue, *, named: bool = False) -> Iterator[str]:
    """Yield every text under a field that is named like a secret, at any depth."""
    if isinstance(value, str):
        if named and not is_placeholder(value) and not is_sealed(value):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from secrets_within(item, named=named)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from secrets_within(item, named=named or is_secret_name(key))
