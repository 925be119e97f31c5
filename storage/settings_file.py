"""`data/settings.json`: read as well as it can be, so that a damaged one never keeps the program from starting."""

from pathlib import Path
from typing import Any

from models.problem import Category, Problem, StoreError
from models.settings import Settings
from storage.atomic_file import BadFileError, backup_of
from storage.diagnosis import diagnose
from storage.json_file import read_json, write_json
from storage.quarantine import put_away
from storage.settings_values import settings_of


def load(path: Path, quarantine: Path) -> tuple[Settings, Problem | None]:
    """Return the settings and, where something was wrong with the file, what to tell about it. Never raises.

    A damaged file goes to `quarantine` and the copy before it takes its place, else the defaults do. In a file that can
    be read, only the values that make no sense fall back.
    """
    try:
        fields = _read(path)
    except FileNotFoundError:
        return Settings(), None
    except BadFileError as error:
        return _recover(path, quarantine, error)
    except OSError as error:
        return Settings(), diagnose(error, where=path.name, path=path)
    settings, wrong = settings_of(fields)
    return settings, _wrong_values(path, wrong) if wrong else None


def save(path: Path, settings: Settings) -> None:
    """Write the settings, with the keys that we do not know. Raises StoreError where that fails; the old file stays."""
    known = {name: value for name, value in settings._asdict().items() if name != "extra"}
    try:
        write_json(path, {**settings.extra, **known})
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(diagnose(error, where=path.name, path=path)) from error


def unknown_keys(path: Path, otherwise: dict[str, Any]) -> dict[str, Any]:
    """Return what the file holds beside our settings; `otherwise` where there is no file that can be read."""
    try:
        return settings_of(_read(path))[0].extra
    except (OSError, BadFileError):
        return otherwise


def _read(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise BadFileError(path.name, "does not hold an object with settings")
    return value


def _recover(path: Path, quarantine: Path, error: BadFileError) -> tuple[Settings, Problem]:
    try:
        kept = put_away(path, quarantine)
    except StoreError as failure:
        problem = failure.problem
        return Settings(), problem._replace(text=f"{error.problem.text} {problem.text} Default settings are used.")
    settings, sentence = Settings(), "Default settings are used."
    previous = backup_of(path)
    try:
        settings, _ = settings_of(_read(previous))
        # Written back at once: the next start must not find another answer than this one.
        write_json(path, _read(previous), backup=False)
        sentence = "The settings before the last change are used."
    except (OSError, BadFileError):
        settings = Settings()
    return settings, Problem(
        Category.BAD_FILE,
        f"{error.problem.text} {sentence}",
        f"The damaged file is kept as {kept}; look there if something is missing.",
    )


def _wrong_values(path: Path, wrong: list[str]) -> Problem:
    return Problem(
        Category.INVALID,
        f"{path.name}: {'; '.join(wrong)}. The default is used instead.",
        "Choose it again on the Settings page.",
        by_command=f"Correct it in {path.name}.",
    )
