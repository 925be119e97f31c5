"""Takes secrets out of the final text of a log line, traceback included, before any handler keeps it.

Values of every living Secret go by value; everything else goes by its look: URL passwords, fields with a telling
name, sealed tokens. A cheap look for tell-tale words comes first, because most lines hold nothing of the kind. Every
pattern takes time linear in the text: a log line may hold what a stranger sent.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from models.secret import live_secret_values

MASK: Final = "***"
PIECE: Final = 8
"""A driver's message repeats what it took for a host or a port: a password up to the sign that cut it short."""
_CUTS: Final = str.maketrans("/@:?#", "\n" * 5)
SHORTEST: Final = 4
"""A live secret with fewer characters is left alone: masking "ab" everywhere would only spoil the text."""

_HINTS: Final = (
    "://",
    "cts1.",
    "secret",
    "pass",
    "pwd",
    "token",
    "auth",
    "key",
    "sign",
    "credential",
    "bearer",
    "basic",
)
# Texts, compiled by the first line that needs them: most programs end before there is one.
_TOKEN: Final = r"\bcts1\.[0-9A-Za-z_-]{1,64}\.[0-9A-Za-z+/=_-]*"  # noqa: S105 - how a sealed token looks
_URL: Final = r"://[^\s:/@'\"]*:[^\s'\"]*"
_SCHEME_WORD: Final = r"(?i)\b(bearer|basic)\s+[0-9A-Za-z+/=._~-]{4,}"
_FIELD: Final = r"""(?isx)
        (?P<name>(?:api[_-]?key|access[_-]?key|private[_-]?key|data[_-]?key|secret|pass(?:phrase|word|wd)|pwd|token
          |authorization|signature|access[_-]?sign|bapi[_-]?sign|credentials?|["'](?:key|sign))
        (?!\w{0,40}[_-]set\b)[\w-]{0,40}\\?["']?\s{0,8}(?:=>|[:=])\s{0,8})
        (?:(?P<prefix>[bru]{0,2}\\?)(?P<quote>["'])(?:(?!(?P=quote))[^\\]|\\.)*(?P=quote)?
          |\[[^\]]*\]?|\([^)]*\)?|\{[^}]*\}?
          |(?:(?:bearer|basic)\s+)?[^\s,;&'")}\]]+)"""


def redact(text: str, secrets: Iterable[str] | None = None) -> str:
    """Return `text` without secrets. `secrets` are hidden whatever stands around them; None: all living ones."""
    text = _without_values(text, live_secret_values() if secrets is None else secrets)
    lower = text.lower()
    found = [place for hint in _HINTS if (place := lower.find(hint)) >= 0]
    if not found:
        return text
    # The sign of a field stands after its name.
    is_field = max(lower.rfind("="), lower.rfind(":")) > min(found)
    if "cts1." in lower:
        text = re.sub(_TOKEN, "cts1." + MASK, text)
    if "://" in text:
        text = re.sub(_URL, _masked_url, text)
    if is_field:
        text = re.sub(_FIELD, _masked_field, text)
    return re.sub(_SCHEME_WORD, r"\g<1> " + MASK, text) if "bearer" in lower or "basic" in lower else text


class RedactingFormatter(logging.Formatter):
    """Formats as usual, traceback and stack included, and redacts the result as the very last step."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _masked_url(match: re.Match[str]) -> str:
    # Up to the last @ of the word: a password may hold : / and @ that nobody encoded.
    user, _, rest = match[0].removeprefix("://").partition(":")
    _, at, host = rest.rpartition("@")
    return f"://{user}:{MASK}@{host}" if at else match[0]


def _masked_field(match: re.Match[str]) -> str:
    mark = match["quote"] or ""
    return f"{match['name']}{match['prefix'] or ''}{mark}{MASK}{mark}"


def _without_values(text: str, secrets: Iterable[str]) -> str:
    found = {form for value in secrets if len(value) >= SHORTEST for form in _forms(value) if form in text}
    # Longest first: a secret that begins with another one must not leave its tail behind.
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(value: str) -> Iterator[str]:
    """Yield the value, and the ways in which repr, JSON and URLs write it where those differ."""
    yield value
    if not (value.isascii() and value.isalnum()):
        yield repr(value)[1:-1]
        yield json.dumps(value)[1:-1]
        yield quote(value.encode("utf-8", "backslashreplace"), safe="")
        yield from (piece for piece in value.translate(_CUTS).split("\n") if PIECE <= len(piece) < len(value))
