"""Which backups stay: the newest, and of the others those that are furthest apart."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storage.backup import close_backup_due, list_backups
from storage.backup_spread import OLDEST, superfluous

HOUR, DAY = 3_600.0, 86_400.0


def run(every: float, days: int, keep: int = 5) -> list[float]:
    """Make a backup at each interval and thin out each time; return the ages at the end."""
    made: list[float] = []
    moment = 0.0
    while moment < days * DAY:
        made.insert(0, moment)
        gone = set(superfluous([moment - each for each in made], keep))
        made = [each for place, each in enumerate(made) if place not in gone]
        moment += every
    return [moment - every - each for each in made]


def test_closing_every_hour_for_a_month_leaves_hours_days_and_weeks() -> None:
    ages = run(HOUR, 30)
    assert len(ages) == 5
    assert ages[0] == 0
    assert ages[1] < 12 * HOUR
    assert ages[-1] > 1 * DAY
    assert all(older > newer for newer, older in itertools.pairwise(ages))


def test_a_busy_minute_does_not_push_out_last_week() -> None:
    ages = [float(second) for second in range(20)] + [7 * DAY, 20 * DAY]
    kept = [age for place, age in enumerate(ages) if place not in superfluous(ages, 5)]
    assert kept[0] == 0
    assert {7 * DAY, 20 * DAY} <= set(kept)


def test_of_those_made_at_once_the_newest_stay() -> None:
    assert superfluous([float(second) for second in range(8)], 5) == [5, 6, 7]


def test_the_oldest_does_not_stay_for_ever() -> None:
    assert superfluous([0.0, DAY, 2 * DAY, OLDEST + 1, OLDEST + DAY], 4) == [4]


@given(st.lists(st.floats(min_value=-DAY, max_value=400 * DAY), max_size=30), st.integers(1, 10))
def test_whatever_the_clock_says_the_newest_stays_and_so_many(ages: list[float], keep: int) -> None:
    gone = superfluous(ages, keep)
    assert len(set(gone)) == len(gone) == max(len(ages) - keep, 0)
    assert 0 not in gone


def named(folder: Path, number: int, made: datetime, reason: str) -> None:
    (folder / f"{number:04}-{made:%Y%m%dT%H%M%SZ}-{reason}-3.db").write_bytes(b"x")


def test_commands_make_one_backup_in_ten_minutes(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert close_backup_due(tmp_path, by_command=True)
    named(tmp_path, 1, now - timedelta(minutes=11), "close")
    named(tmp_path, 2, now, "by-hand")
    assert close_backup_due(tmp_path, by_command=True)
    named(tmp_path, 3, now - timedelta(minutes=9), "close")
    assert not close_backup_due(tmp_path, by_command=True)
    assert close_backup_due(tmp_path)
    # A clock that was set back must not keep backups from being made for a year.
    named(tmp_path, 4, now + timedelta(days=300), "close")
    assert close_backup_due(tmp_path, by_command=True)
    assert len(list_backups(tmp_path)) == 4
