"""What counts as a secret in old data: by the name of the field, by the value, and what only pretends to be one."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from models.connection import JsonValue
from models.secret_names import is_secret_name

# What is left of JSON that was cut off: a key, and the text after it, closed or cut.
_PIECE: Final = re.compile(r'("([^"\\]{1,60})"\s*:\s*")((?:[^"\\]|\\.)*)("|$)')
# A line of a log: api_key=..., Secret: ...; only what is too long and too mixed to be a word.
_SAID: Final = re.compile(
    r"([\w-]{0,20}(?:api[_-]?key|secret|pass(?:phrase|word)|token)[\w-]{0,20})[\"']?\s{0,4}[=:]\s{0,4}[\"']?([\w+/=.~-]{16,})",
    re.IGNORECASE,
)
_HINT: Final = re.compile(r"key|secret|pass|pwd|token|credential|mnemonic|seed|auth|bearer|cookie|sign", re.IGNORECASE)
_TURNS: Final = re.compile(r"(?<=[a-z])[A-Z]")
REMOVED: Final = "[removed]"
SHORTEST_SEARCHED: Final = 8
"""Shorter values are ordinary words too often to be looked for in other fields and in raw bytes."""

_PLACEHOLDER = re.compile(
    r"(your|enter|insert|paste|put|add|replace)[\s_-]?(\w{1,12}[\s_-]){0,3}(api|secret|key|pass)[\s\w-]{0,30}"
    r"|no[\s_-]?(api[\s_-]?)?(key|secret|pass(word|phrase)?|credentials?)|none|null|nil|undefined|n/?a|todo|tbd|empty"
    r"|not[\s_-]?set|removed-[0-9A-F]{16}|placeholder|dummy|change[\s_-]?me|\W*|(?P<one>.)(?P=one)*|<.*>|\[.*\]|\$?\{.*\}",
    re.IGNORECASE,
)


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
    if len(text) >= 16 or _is_mixed(text):
        return True
    # qWeRtYuI is a passphrase; perpetual, takeProfit and BTC-USDT are words.
    return len(_TURNS.findall(text)) >= 2


def _is_mixed(text: str) -> bool:
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


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

    def clean(self, text: str) -> str:
        """Return the text with every secret replaced, in one pass: a log may hold thousands."""
        heads, size, index, done = self._by_head, SHORTEST_SEARCHED, 0, 0
        parts: list[str] = []
        last = len(text) - size if heads else -1
        while index <= last:
            secret = self._at(text, index) if text[index : index + size] in heads else None
            if secret is None:
                index += 1
                continue
            parts += [text[done:index], REMOVED]
            index = done = index + len(secret)
        return "".join([*parts, text[done:]]) if parts else text

    def _at(self, text: str, index: int) -> str | None:
        candidates = self._by_head.get(text[index : index + SHORTEST_SEARCHED], ())
        return next((one for one in sorted(candidates, key=len, reverse=True) if text.startswith(one, index)), None)


def redact(value: Any, finder: Finder) -> Any:
    """Return a JSON value without fields named like secrets, and with known secrets replaced inside its texts."""
    if isinstance(value, str):
        return _redact_text(value, finder)
    if isinstance(value, list):
        return [redact(item, finder) for item in value]
    if isinstance(value, dict):
        return {finder.clean(key): redact(item, finder) for key, item in value.items() if not _holds_secret(key, item)}
    return value


def _redact_text(text: str, finder: Finder) -> str:
    """CTS keeps JSON inside texts, and may have cut it off."""
    inner = json_within(text)
    if inner is None:
        return finder.clean(without_pieces(text))
    return finder.clean(json.dumps(redact(inner, finder), ensure_ascii=False) if any(secrets_within(inner)) else text)


def json_within(text: str) -> Any:
    """Return the object or list that a text is, None where it is neither."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _holds_secret(key: object, item: object) -> bool:
    return isinstance(key, str) and is_secret_name(key) and not isinstance(item, bool | None)


def secrets_within(value: JsonValue, *, named: bool = False) -> Iterator[str]:
    """Yield every text under a field that is named like a secret, at any depth, JSON inside texts included."""
    if isinstance(value, str):
        if not named:
            inner = json_within(value)
            yield from secrets_said(value) if inner is None else secrets_within(inner)
        elif not is_placeholder(value) and not is_sealed(value):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from secrets_within(item, named=named)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from secrets_within(item, named=named or is_secret_name(key))


def secrets_said(text: str) -> Iterator[str]:
    """Yield the secrets of a text that is no whole JSON: under a key of what was cut off, or in a line of a log."""
    if not _HINT.search(text):
        return
    found = [match[3] for match in _PIECE.finditer(text) if is_secret_name(match[2])]
    found += [match[2] for match in _SAID.finditer(text) if is_secret_name(match[1]) and _is_mixed(match[2])]
    yield from (one for one in found if not is_placeholder(one) and not is_sealed(one))


def without_pieces(text: str) -> str:
    """Return JSON that was cut off, without what stands under its keys that are named like secrets."""
    return _PIECE.sub(lambda match: match[1] + match[4] if is_secret_name(match[2]) else match[0], text)
