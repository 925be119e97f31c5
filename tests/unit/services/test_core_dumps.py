"""A process that dies hard leaves no copy of its memory."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("debuggers", [False, True])
def test_a_crash_leaves_no_core(tmp_path: Path, debuggers: bool) -> None:
    code = (
        "import os, resource\n"
        "from services.core_dumps import forbid_core_dumps\n"
        f"forbid_core_dumps(debuggers={debuggers})\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "assert soft == hard and soft in (0, 1), (soft, hard)\n"
        "os.abort()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == -signal.SIGABRT, result.stderr
    assert list(tmp_path.iterdir()) == []
