"""What the measures say on a machine that lacks something; what they measure is no test's business."""

from pathlib import Path

import pytest

from benchmarks import start


def test_without_a_virtual_screen_the_start_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    start.main()
    told = capsys.readouterr().out
    assert told.count("\n") == 2
    assert "sudo apt install xvfb x11-utils" in told
