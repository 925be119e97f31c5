"""Settings are checked, saved, and never half changed."""

from pathlib import Path
from typing import Any

import pytest

from models.problem import Category, InputError
from models.settings import Settings
from services.settings import SettingsService
from storage.data_folder import prepare


@pytest.fixture
def service(tmp_path: Path) -> SettingsService:
    return SettingsService(prepare(tmp_path / "data"))


def test_a_change_is_there_after_a_restart(service: SettingsService, tmp_path: Path) -> None:
    assert service.load() is None
    assert service.change(theme="dark", window={"width": 900}).theme == "dark"
    again = SettingsService(prepare(tmp_path / "data"))
    assert again.load() is None
    assert again.current == Settings(theme="dark", window={"width": 900})


def test_nothing_changed_writes_nothing(service: SettingsService, tmp_path: Path) -> None:
    service.change(theme="system")
    assert not (tmp_path / "data" / "settings.json").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "purple"),
        ("theme", None),
        ("log_level", "TRACE"),
        ("density", ""),
        ("backups_kept", 0),
        ("backups_kept", True),
        ("backups_kept", "5"),
        ("nothing", 1),
    ],
)
def test_nonsense_is_refused_and_the_field_named(service: SettingsService, name: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        service.change(**{name: value})
    assert caught.value.field == name
    assert service.current == Settings()


def test_a_damaged_file_is_said_and_kept(service: SettingsService, tmp_path: Path) -> None:
    (tmp_path / "data" / "settings.json").write_bytes('{"theme": "dark"}'.encode("utf-16"))
    problem = service.load()
    assert problem is not None
    assert problem.category is Category.BAD_FILE
    assert service.problem is problem
    assert service.current == Settings()
    assert len(list((tmp_path / "data" / "quarantine").iterdir())) == 1
