"""The program as a person runs it: a process of its own, in a data folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.suite_canary import look_into

SOURCE = Path(__file__).resolve().parents[2]
NOBODY = 65534
_DEADLINE = 60


class Ran(NamedTuple):
    """What one run left: exit code and both outputs, exact bytes as text."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> dict[str, str]:
        """The Problem on standard error of a run with --json."""
        problem: dict[str, str] = json.loads(self.err)
        return problem


class Program:
    """Runs main.py on `folder`; `environment` is added to the test's own."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent", **(environment or {})}
        self.ran: list[Ran] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-X", "utf8", str(SOURCE / "main.py"), "--data-dir", str(self.folder), *words]

    def run(self, *words: str, stdin: str | bytes = b"", code: int | None = 0, **options: Any) -> Ran:
        """Run one command to its end; `code` is the exit code that is expected, None for any."""
        done = subprocess.run(
            self.command(*words),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=_DEADLINE,
            env=self.environment,
            check=False,
            **options,
        )
        look_into(" ".join(words), done.stdout + done.stderr)
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        self.ran.append(ran)
        assert code is None or ran.code == code, ran
        return ran

    def status(self, *, code: int | None = 0) -> Any:
        return self.run("status", "--json", code=code).json

    def add(self, **fields: Any) -> Any:
        return self.run("connections", "add", "--json", stdin=json.dumps(fields)).json

    def names(self) -> list[str]:
        return [row["name"] for row in self.run("connections", "list", "--json").json]

    def everything_written(self) -> bytes:
        """Every byte that the runs left, in files and on both outputs."""
        files = [path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()]
        said = [(ran.out + ran.err).encode() for ran in self.ran]
        return b"\n".join(files + said)
