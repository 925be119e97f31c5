"""F08 to F10, F14 with the real window: it answers at every moment, starts at a frozen server, and closes in time.

The numbers themselves are `python -m benchmarks loop`; here the bounds are generous, because what is looked for is a
call that blocks the window, and that would block it for seconds.
"""

from pathlib import Path

import pytest

from benchmarks.loop import measure
from tests.bare_postgres import BareServer
from tests.black_hole import black_hole

LONGEST_GAP = 1000.0
"""Milliseconds. The machine may be busy; a call on the GUI's thread waits 4,000 and more."""
QUIT_SECONDS = 5.0
"""For what must take 3 s."""
WATCHED = "tests.faults.watched_window"
"""Whatever the gaps are: no file, no query and no server is waited for on the loop; it would end with a failure."""


def test_the_window_answers_throughout_and_closes_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CTS_PASSPHRASE_FILE", raising=False)
    server = BareServer()
    try:
        server.start()
        with black_hole(server) as hole:
            gaps, seconds = measure(server, hole, tmp_path / "data", 200, module=WATCHED)
            assert len(gaps) == 9
            assert max(gaps.values()) < LONGEST_GAP, gaps
            assert seconds < QUIT_SECONDS
            # The same desk starts again while nobody answers: with the list, and as quick to leave.
            server.freeze()
            gaps, seconds = measure(server, hole, tmp_path / "data", 0, module=WATCHED)
            assert max(gaps.values()) < LONGEST_GAP, gaps
            assert seconds < QUIT_SECONDS
    finally:
        server.thaw()
        server.destroy()
