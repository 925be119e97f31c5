"""Sizes, durations and stamps as a person reads them."""

from datetime import UTC, datetime

import pytest

from gui.figures import count_text, duration_text, size_text, stamp_text
from gui.when import exact, since


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "—"), (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 KB"), (94_208, "94.2 KB"),
     (102_400, "102 KB"), (999_600, "1.0 MB"), (5_000_000_000, "5.0 GB"), (7 * 10**15, "7000 TB")],
)  # fmt: skip
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, "—"), (0, "< 1 ms"), (7, "7 ms"), (9_999, "9,999 ms"), (12_340, "12.3 s"), (180_000, "3.0 min")],
)
def test_durations(milliseconds: int | None, text: str) -> None:
    assert duration_text(milliseconds) == text


def test_stamps_are_shown_in_local_time_and_strange_ones_as_they_are() -> None:
    local = datetime.fromisoformat("2026-11-22T10:11:12+00:00").astimezone()
    assert stamp_text("2026-11-22T10:11:12.345+00:00") == local.strftime("%Y-%m-%d %H:%M")
    assert stamp_text("2026-11-22T10:11:12Z") == stamp_text("2026-11-22 10:11:12")
    assert stamp_text("last <b>week</b>") == "last <b>week</b>"
    assert stamp_text(None) == "—"


def test_counts_have_their_noun() -> None:
    assert count_text(1, "row") == "1 row"
    assert count_text(1204, "row") == "1,204 rows"
    assert count_text(0, "key", "keys") == "0 keys"


def test_what_is_long_ago_is_not_dated_twice() -> None:
    old = "2020-03-01T09:00:00+00:00"
    assert since(old) == exact(old)
    new = datetime.now(UTC).isoformat()
    assert since(new) == f"just now, {exact(new)}"
