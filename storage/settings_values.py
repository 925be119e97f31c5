"""What the fields of `settings.json` mean; and a look at them for the first paint, which imports next to nothing."""

import os
import re
import stat
from collections.abc import Callable
from typing import Any

from models.settings import CHOICES, MOST_BACKUPS, Settings

_LIMIT = 1 << 20
_THEME = re.compile(rb'"theme"\s*:\s*"(light|dark)"')


def glance(path: str | os.PathLike[str]) -> str:
    """Return the theme that the file asks for, or "": the colour of an empty window is worth no more than a look."""
    found = _THEME.search(_content(path))
    return found[1].decode() if found else ""


def peek(path: str | os.PathLike[str]) -> Settings:
    """Return the settings for the first paint: as they can be read, without a word and without touching the file."""
    import json

    try:
        fields = json.loads(_content(path) or b"{}")
    except (ValueError, RecursionError):
        return Settings()
    return settings_of(fields)[0] if isinstance(fields, dict) else Settings()


def settings_of(fields: dict[str, Any]) -> tuple[Settings, list[str]]:
    """Return the settings that the fields make, and a sentence for each value that makes no sense."""
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in fields.items():
        check = _CHECKS.get(name)
        if check is None:
            extra[name] = value
        elif why := check(value):
            wrong.append(f"{name} is not {why}")
        else:
            values[name] = value
    return Settings(**values, extra=extra), wrong


def _choice(words: tuple[str, ...]) -> Callable[[object], str]:
    return lambda value: "" if isinstance(value, str) and value in words else f"one of {', '.join(words)}"


def _backups_kept(value: object) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_BACKUPS
    return "" if good else f"a whole number from 1 to {MOST_BACKUPS:,}"


def _window(value: object) -> str:
    return "" if isinstance(value, dict) else "an object"


_CHECKS: dict[str, Callable[[object], str]] = {
    **{name: _choice(words) for name, words in CHOICES.items()},
    "backups_kept": _backups_kept,
    "window": _window,
    "database": lambda _value: "",
}
"""Each returns what the value should have been, or "" where it is fine."""


def _content(path: str | os.PathLike[str]) -> bytes:
    """Return what an ordinary file holds, else nothing; a pipe in its place is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(_LIMIT) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        except OSError:
            return b""
