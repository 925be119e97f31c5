"""Bad files are moved aside with everything that belongs to them."""

import os
import re
import stat
from pathlib import Path

import pytest

from models.problem import StoreError
from storage.quarantine import COMPANIONS, put_away
from tests.faults.real_faults import give_to_nobody, open_folder, run


def test_a_file_keeps_its_name_behind_a_stamp_and_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"garbage")
    path.chmod(0o644)
    kept = put_away(path, tmp_path / "quarantine")
    assert re.fullmatch(r"\d{8}T\d{6}Z-settings\.json", kept.name)
    assert kept.read_bytes() == b"garbage"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert not path.exists()


def test_files_of_one_second_do_not_meet(tmp_path: Path) -> None:
    kept = []
    for number in range(5):
        (tmp_path / "a").write_text(str(number))
        kept.append(put_away(tmp_path / "a", tmp_path / "quarantine"))
    assert [path.read_text() for path in kept] == ["0", "1", "2", "3", "4"]


def test_a_database_takes_its_companions_along(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    for end in ("", *COMPANIONS):
        path.with_name(path.name + end).write_text(f"content{end}")
    kept = put_away(path, tmp_path / "quarantine")
    for end in ("", *COMPANIONS):
        assert kept.with_name(kept.name + end).read_text() == f"content{end}"
    assert [entry.name for entry in tmp_path.iterdir()] == ["quarantine"]


def test_left_in_place_it_is_there_twice_and_its_journal_once(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    path.write_bytes(b"damaged")
    (tmp_path / "cts.db-journal").write_bytes(b"journal")
    kept = put_away(path, tmp_path / "quarantine", leave=True)
    assert path.read_bytes() == kept.read_bytes() == b"damaged"
    assert not (tmp_path / "cts.db-journal").exists()


def test_a_journal_without_its_database_is_moved_too(tmp_path: Path) -> None:
    (tmp_path / "cts.db-wal").write_bytes(b"wal")
    kept = put_away(tmp_path / "cts.db", tmp_path / "quarantine")
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"wal"


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cts\.db could not be moved to the quarantine folder: No such file"):
        put_away(tmp_path / "cts.db", tmp_path / "quarantine")


def test_what_cannot_be_moved_stays_complete(tmp_path: Path) -> None:
    with open_folder() as place:
        for end in ("", "-wal"):
            (place / f"cts.db{end}").write_bytes(b"x")
        (place / "quarantine").mkdir()
        give_to_nobody(place)
        (place / "quarantine").chmod(0o500)
        code = """
        from pathlib import Path
        from models.problem import StoreError
        from storage.quarantine import put_away
        try:
            put_away(Path(sys.argv[1]) / "cts.db", Path(sys.argv[1]) / "quarantine")
        except StoreError as error:
            print(error.problem.text, error.problem.solution, error.problem.detail)
        """
        said = run(code, place, as_nobody=True)
        assert said == (
            "cts.db could not be moved to the quarantine folder: Permission denied. "
            f"Move {place / 'cts.db'} away by hand. EACCES"
        )
        assert sorted(os.listdir(place)) == ["cts.db", "cts.db-wal", "quarantine"]  # noqa: PTH208
