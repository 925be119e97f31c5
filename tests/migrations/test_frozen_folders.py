"""JSON folders of earlier releases, kept as they were made: this version opens each, and loses nothing of it."""

import shutil
from pathlib import Path

import pytest

from models import VERSION
from models.secret import SealedSecret
from models.status import Backend, StoreState
from storage import settings_file
from storage.database_repository import DatabaseRepository
from storage.target import Target
from tests.fixtures.freeze_database import FOLDER as DATABASES
from tests.fixtures.freeze_folder import FOLDER, KEPT, MAIN, NEW, ODD, SECRETS
from tests.store_kit import Kit, open_kit

FROZEN = sorted(path for path in FOLDER.iterdir() if path.is_dir())


def test_every_release_with_a_frozen_database_has_a_frozen_folder() -> None:
    assert FROZEN, f"Run python -m tests.fixtures.freeze_folder for {VERSION}."
    assert {path.name for path in FROZEN} == {path.stem for path in DATABASES.glob("*.sqlite")}


@pytest.fixture(params=FROZEN, ids=lambda path: path.name)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a copy, private as the program had made it: a checkout does not keep modes."""
    root = Path(shutil.copytree(request.param, tmp_path / "data"))
    assert {path.name for path in root.iterdir()} == set(KEPT)
    for path in (root, *root.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return root


def secrets_of(kit: Kit, name: str) -> dict[str, str]:
    connection = kit.connections.get(kit.connections.find(name).id)
    found = {}
    for field in SECRETS:
        token = getattr(connection, field)
        assert isinstance(token, SealedSecret)
        found[field] = kit.vault.open_secret(connection.id, field, token).reveal()
    return found


def everything_is_there(kit: Kit) -> None:
    assert kit.names() == [MAIN, ODD, NEW]
    assert kit.connections.find(MAIN).tags == ("desk", "main")
    main = kit.connections.get(kit.connections.find(MAIN).id)
    assert (main.note, main.extra) == ("edited while away", {"old": 1})
    assert [secrets_of(kit, name) for name in (MAIN, ODD, NEW)] == [SECRETS] * 3


def test_an_earlier_releases_folder_opens_with_what_waits_in_it(root: Path) -> None:
    # Only JSON files: nothing else of that release is there.
    with open_kit(root, fresh=True, target=lambda: Target(Backend.JSON)) as kit:
        assert (kit.problem, kit.state()) == (None, StoreState.ONLINE)
        everything_is_there(kit)
        assert kit.store.status.waiting == 2
        kit.connections.edit(kit.connections.find(ODD).id, {"note": "by this version"})
        kit.add("Made by this version")
        assert not list(kit.folder.quarantine.iterdir())
    with open_kit(root, fresh=True, target=lambda: Target(Backend.JSON)) as kit:
        assert kit.names() == [MAIN, ODD, NEW, "Made by this version"]
        assert kit.store.status.waiting == 4
    settings, problem = settings_file.load(root / "settings.json", root / "quarantine")
    assert (settings.theme, problem) == ("dark", None)


def test_an_earlier_releases_folder_goes_into_a_new_database(root: Path) -> None:
    with open_kit(root, fresh=True) as kit:
        # No database, and records that one had: a person says that they are to be used.
        assert kit.store.restore_records() == 3
        everything_is_there(kit)
        assert (kit.problem, kit.store.status.waiting) == (None, 0)
        assert kit.store.database is not None
        rows = DatabaseRepository(kit.store.database, "test").rows()
        assert {row.name for row in rows} == {MAIN, ODD, NEW}
