"""`settings.json`: kept, recovered, or replaced by defaults; never in the way of a start."""

import json
from pathlib import Path

import pytest

from models.problem import Category
from models.settings import Settings
from storage.settings_file import load, save

GOOD = Settings("dark", "compact", "DEBUG", 9, {"width": 1200}, {"host": "db1"}, {"from_the_future": [1, {"a": None}]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


@pytest.fixture
def quarantine(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


def test_none_yet_means_defaults_and_nothing_to_say(path: Path, quarantine: Path) -> None:
    assert load(path, quarantine) == (Settings(), None)
    assert not path.exists()


def test_what_is_saved_is_loaded_with_the_keys_that_we_do_not_know(path: Path, quarantine: Path) -> None:
    save(path, GOOD)
    assert load(path, quarantine) == (GOOD, None)
    assert json.loads(path.read_text())["from_the_future"] == [1, {"a": None}]
    assert path.stat().st_mode & 0o077 == 0


BAD = {
    "empty": b"",
    "zeros": bytes(100),
    "garbage": bytes(range(256)),
    "utf-16": json.dumps({"theme": "dark"}).encode("utf-16"),
    "utf-16 without mark": json.dumps({"theme": "dark"}).encode("utf-16-le"),
    "truncated": b'{"theme": "dar',
    "list": b'["dark"]',
    "null": b"null",
    "number": b"1",
    "deep": b"[" * 100_000,
    "twice": b'{"theme": "dark", "theme": "light"}',
    "NaN": b'{"backups_kept": NaN}',
    "huge": b'{"theme": "' + b"x" * 2_000_000 + b'"}',
}


@pytest.mark.parametrize("kind", BAD)
def test_a_damaged_file_is_kept_aside_and_said_once(path: Path, quarantine: Path, kind: str) -> None:
    path.write_bytes(BAD[kind])
    settings, problem = load(path, quarantine)
    assert settings == Settings()
    assert problem is not None
    assert problem.category is Category.BAD_FILE
    assert problem.text.endswith("Default settings are used.")
    (kept,) = quarantine.iterdir()
    assert kept.read_bytes() == BAD[kind]
    assert str(kept) in problem.solution
    assert load(path, quarantine) == (Settings(), None)


def test_the_copy_before_takes_its_place_and_stays(path: Path, quarantine: Path) -> None:
    save(path, GOOD)
    save(path, GOOD._replace(theme="light"))
    path.write_bytes(b"\0\0\0")
    settings, problem = load(path, quarantine)
    assert settings == GOOD
    assert problem is not None
    assert problem.text.endswith("The settings before the last change are used.")
    assert load(path, quarantine) == (GOOD, None)


def test_a_damaged_copy_does_not_help(path: Path, quarantine: Path) -> None:
    path.write_bytes(b"{")
    path.with_name("settings.json.bak").write_bytes(b"[]")
    settings, problem = load(path, quarantine)
    assert settings == Settings()
    assert problem is not None
    assert not path.exists()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("theme", "pink", "theme is not one of system, light, dark"),
        ("theme", None, "theme is not one of system, light, dark"),
        ("density", ["compact"], "density is not one of comfortable, compact"),
        ("log_level", "debug", "log_level is not one of DEBUG, INFO, WARNING, ERROR"),
        ("backups_kept", 0, "backups_kept is not a whole number from 1 to 1,000"),
        ("backups_kept", 10**12, "backups_kept is not a whole number from 1 to 1,000"),
        ("backups_kept", True, "backups_kept is not a whole number from 1 to 1,000"),
        ("backups_kept", 2.5, "backups_kept is not a whole number from 1 to 1,000"),
        ("window", "wide", "window is not an object"),
    ],
)
def test_one_value_that_makes_no_sense_falls_back_alone(
    path: Path, quarantine: Path, field: str, value: object, sentence: str
) -> None:
    save(path, GOOD)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    settings, problem = load(path, quarantine)
    assert settings == GOOD._replace(**{field: getattr(Settings(), field)})
    assert problem is not None
    assert problem.category is Category.INVALID
    assert problem.text == f"settings.json: {sentence}. The default is used instead."
    assert not quarantine.exists()


def test_several_values_are_told_in_one_sentence(path: Path, quarantine: Path) -> None:
    path.write_text('{"theme": 1, "backups_kept": -1, "density": "compact"}')
    settings, problem = load(path, quarantine)
    assert settings == Settings(density="compact")
    assert problem is not None
    assert "theme is not" in problem.text
    assert "backups_kept is not" in problem.text
