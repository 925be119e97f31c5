"""Memory after long scripted use: the whole window saves, deletes, reloads and loses its PostgreSQL, again and again.

The window is a process of its own on Qt's offscreen platform. What it keeps by design does not grow here: every record
that is deleted is restored, and the log is warm after a third of the rounds, which is what the end is compared with.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bare_postgres import BareServer

if TYPE_CHECKING:
    from gui.program import Program
    from services.core import Core

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(os.environ.get("ROUNDS", "90"))
RECORDS, EDITS, AWAY_EVERY = 300, 30, 10
BAR = 1.02
_PATIENCE = 60.0


def main() -> None:
    server = BareServer()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as scratch:
            sizes = _watch(server, Path(scratch) / "data")
    finally:
        server.destroy()
    warm, end = sizes[len(sizes) // 3], sizes[-1]
    print(f"\nMemory of the window after {ROUNDS} rounds of {EDITS} edits, with an outage in every {AWAY_EVERY}th, MB")
    print("  " + " ".join(f"{size / 1e6:.1f}" for size in sizes[:: max(1, len(sizes) // 18)]))
    verdict = "ok" if end <= BAR * warm else "MISSED"
    print(f"  after a third {warm / 1e6:.1f}, at the end {end / 1e6:.1f}   x{end / warm:5.3f}   bar {BAR} {verdict}")


def _watch(server: BareServer, folder: Path) -> list[int]:
    """Return the resident bytes after each round; stop and start the server as the window asks."""
    environment = {**os.environ, "DATABASE_URL": server.url(), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "benchmarks.endurance", str(folder)]
    orders: dict[str, Callable[[], None]] = {"stop": server.kill, "start": server.start}
    sizes = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as window:
        assert window.stdin is not None
        assert window.stdout is not None
        for line in window.stdout:
            said = json.loads(line)
            if isinstance(said, int):
                sizes.append(said)
                continue
            orders[said]()
            window.stdin.write("\n")
            window.stdin.flush()
        assert window.wait() == 0
    assert len(sizes) == ROUNDS, f"it ended after {len(sizes)} rounds; see its log"
    return sizes


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


class _Use:
    """What a busy person does, by the same services as the window's controllers."""

    def __init__(self, program: "Program", core: "Core") -> None:
        self._program, self._core = program, core
        self._ids: list[str] = []

    async def play(self) -> None:
        import psutil

        try:
            await self._until("online")
            fields = [{"name": f"Number {number:03}", "exchange": "bybit"} for number in range(RECORDS)]
            for each in fields:
                self._ids.append((await self._write(self._core.connections.add, each)).row.id)
            for number in range(ROUNDS):
                away = number % AWAY_EVERY == AWAY_EVERY - 1
                if away:
                    await self._order("stop")
                await self._round(number)
                if away:
                    await self._until("fallback")
                    await self._order("start")
                    await self._until("online")
                await asyncio.sleep(0.2)
                _say(psutil.Process().memory_info().rss)
        finally:
            self._program._frame.close()

    async def _round(self, number: int) -> None:
        connections = self._core.connections
        first = number * EDITS % RECORDS
        some = self._ids[first : first + EDITS]
        for each in some:
            await self._write(connections.edit, each, {"note": f"note of round {number:05}"})
        await self._write(connections.set_enabled, some, number % 2 == 0)
        await self._write(connections.remove, some)
        await self._write(connections.restore, some)
        rows = await asyncio.wrap_future(self._core.workers.read(connections.rows))
        assert len(rows) == RECORDS

    async def _write(self, call: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.wrap_future(self._core.workers.write(call, *given))

    async def _until(self, state: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            while True:
                status = await asyncio.wrap_future(self._core.workers.read(self._core.status.store))
                if status.state.value == state and (state != "online" or status.waiting == 0):
                    return
                await asyncio.sleep(0.1)

    async def _order(self, what: str) -> None:
        _say(what)
        await asyncio.wrap_future(self._core.workers.read(sys.stdin.readline))


def _window(folder: str) -> int:
    import main as program_module
    from gui.program import Program

    start_up = Program._start_up

    async def starting(self: Program, core: "Core") -> None:
        await start_up(self, core)
        self._tasks.start("use", _Use(self, core).play())

    Program._start_up = starting  # type: ignore[method-assign]
    return program_module.main(["--data-dir", folder])


if __name__ == "__main__":
    sys.exit(_window(sys.argv[1]))
