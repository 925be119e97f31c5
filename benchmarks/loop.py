"""The whole window while its PostgreSQL freezes, vanishes and comes back: the longest time it could not have answered.

The window is a process of its own on Qt's offscreen platform, with a 10 ms timer in its loop. It says what should
happen to its server, which this process then does.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gui.program import Program
    from services.core import Core
    from tests.bare_postgres import BareServer

ROOT = Path(__file__).resolve().parent.parent
CHANGES = int(os.environ.get("CHANGES", "10000"))
TICK_MILLISECONDS = 10
BAR_MILLISECONDS = 50
QUIT_SECONDS = 3.0
_PATIENCE = 120.0


class Way(Protocol):
    """How the window reaches the server."""

    kind: str
    host: str
    port: int

    def swallow(self) -> None: ...

    def mend(self) -> None: ...


def main() -> None:
    from tests.bare_postgres import BareServer
    from tests.black_hole import black_hole

    server = BareServer()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as scratch, black_hole(server) as hole:
            gaps, seconds = measure(server, hole, Path(scratch) / "data", CHANGES)
            server.freeze()
            again, _ = measure(server, hole, Path(scratch) / "data", 0)
            gaps |= {f"{scene}, server frozen": gap for scene, gap in again.items()}
    finally:
        server.destroy()
    print(f"\nThe longest gap of the window's loop, ms (bar {BAR_MILLISECONDS}; black hole: {hole.kind})")
    for scene, gap in gaps.items():
        print(f"  {scene:<44} {gap:8.1f}   {'ok' if gap <= BAR_MILLISECONDS else 'MISSED'}")
    print(f"  quitting with a stuck writer: {seconds:.2f} s   {'ok' if seconds <= QUIT_SECONDS else 'MISSED'}")


def measure(
    server: "BareServer", way: Way, folder: Path, changes: int, *, module: str = "benchmarks.loop"
) -> tuple[dict[str, float], float]:
    """Return the longest gap of each scene in milliseconds, and how many seconds the process took to end.

    Without `changes` the window only starts, on what its data folder has, and is closed again. `module` is run.
    """
    url = server.url().replace(f"127.0.0.1:{server.port}", f"{way.host}:{way.port}")
    environment = {**os.environ, "DATABASE_URL": url, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", module, str(folder), str(changes)]
    orders: dict[str, Callable[[], None]] = {
        "freeze": server.freeze,
        "thaw": server.thaw,
        "swallow": way.swallow,
        "mend": way.mend,
        "stop": server.kill,
        "start": server.start,
    }
    gaps: dict[str, float] = {}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as window:
        assert window.stdin is not None
        assert window.stdout is not None
        closed = time.monotonic()
        for line in window.stdout:
            word, value = json.loads(line)
            if word == "order":
                orders[value]()
                window.stdin.write("\n")
                window.stdin.flush()
            elif word == "closing":
                closed = time.monotonic()
            else:
                gaps[word] = value
        code = window.wait()
        seconds = time.monotonic() - closed
    server.thaw()
    assert code == 0, f"the window ended with {code}"
    return gaps, seconds


def _say(word: str, value: object) -> None:
    print(json.dumps([word, value]), flush=True)


class _Gaps:
    """The longest time between two ticks since `begin`."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.begin()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MILLISECONDS)

    def begin(self) -> None:
        self._last, self._longest = time.perf_counter(), 0.0

    def tell(self, scene: str) -> None:
        self._tick()
        _say(scene, max(0.0, self._longest * 1000 - TICK_MILLISECONDS))
        self.begin()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now


class _Scenes:
    """What the window goes through once it has started."""

    def __init__(self, program: "Program", core: "Core", gaps: _Gaps, changes: int) -> None:
        self._program, self._core, self._gaps, self._changes = program, core, gaps, changes
        self._id = ""

    async def play(self) -> None:
        try:
            if not self._changes:
                await self._until("fallback")
                assert await asyncio.wrap_future(self._core.workers.read(self._core.connections.rows))
                return
            await self._until("online")
            saved = await self._write(self._core.connections.add, {"name": "Main", "exchange": "bybit"})
            self._id = saved.row.id
            await self._outage("server frozen", "freeze", "thaw")
            await self._outage("black hole", "swallow", "mend")
            await self._come_home()
            await self._order("freeze")
            self._core.workers.write(self._edit)
            await asyncio.sleep(0.3)
        finally:
            self._gaps.begin()
            _say("closing", None)
            self._program._frame.close()

    async def _outage(self, scene: str, begin: str, end: str) -> None:
        self._gaps.begin()
        await self._order(begin)
        await self._write(self._edit)
        await self._until("fallback")
        # Probes go on meanwhile.
        await asyncio.sleep(3)
        self._gaps.tell(scene)
        await self._order(end)
        await self._until("online")
        self._gaps.tell(f"{scene}, and back")

    async def _come_home(self) -> None:
        from models.connection_rules import validate

        await self._order("stop")
        await self._write(self._edit)
        await self._until("fallback")
        new = [validate({"name": f"Number {number:05}", "exchange": "okx"}) for number in range(self._changes)]
        self._gaps.begin()
        await self._write(self._core.connections.add_all, new)
        await asyncio.sleep(1)
        self._gaps.tell(f"{self._changes:,} kept while it is away")
        await self._order("start")
        await self._until("online")
        await asyncio.sleep(1)
        self._gaps.tell(f"reconciliation of {self._changes:,}")

    def _edit(self) -> None:
        self._core.connections.edit(self._id, {"note": str(time.monotonic())})

    async def _write(self, call: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.wrap_future(self._core.workers.write(call, *given))

    async def _until(self, state: str) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            status = await asyncio.wrap_future(self._core.workers.read(self._core.status.store))
            if status.state.value == state and (state != "online" or status.waiting == 0):
                return
            assert time.monotonic() < end, status
            await asyncio.sleep(0.05)

    async def _order(self, what: str) -> None:
        _say("order", what)
        await asyncio.wrap_future(self._core.workers.read(sys.stdin.readline))


def run_window(folder: str, changes: int) -> int:
    import main as program_module
    from gui.program import Program

    begin, start_up, run = Program.begin, Program._start_up, Program._run_with_asyncio
    made: list[_Gaps] = []

    def beginning(self: Program, *given: Any) -> None:
        made.append(_Gaps())
        begin(self, *given)
        made[0].tell("filling the empty window")

    async def starting(self: Program, core: "Core") -> None:
        await start_up(self, core)
        made[0].tell("start, once it is filled")
        scenes: Awaitable[None] = _Scenes(self, core, made[0], changes).play()
        self._tasks.start("scenes", scenes)  # type: ignore[arg-type]

    def running(self: Program) -> int:
        code = run(self)
        made[0].tell("quit")
        return code

    Program.begin = beginning  # type: ignore[assignment, method-assign]
    Program._start_up = starting  # type: ignore[method-assign]
    Program._run_with_asyncio = running  # type: ignore[method-assign]
    return program_module.main(["--data-dir", folder])


if __name__ == "__main__":
    sys.exit(run_window(sys.argv[1], int(sys.argv[2])))
