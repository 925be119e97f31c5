"""P3 without a clock: what blocks the window is seen as the call that it is; gaps a busy machine has, too.

While a loop runs in the main thread, every file, socket, process and sleep that the interpreter reports (its audit
events), every query, every stretched passphrase and every word with the keyring is looked at. One that the window's own
code makes there fails the test. What a test's scene does on the loop is the test's business.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
_EVENTS: Final = (
    *("open", "os.", "shutil.", "socket.connect", "socket.getaddrinfo", "socket.gethostby"),
    *("sqlite3.connect", "subprocess.Popen"),
)
# Audited, but nothing that waits for a disk.
_HARMLESS: Final = {"os.putenv", "os.unsetenv", "os.add_dll_directory", "os.kill", "os.killpg"}
_CALLS: Final = {
    "storage.database": ("Database.read", "Database.write", "Database.hold"),
    "storage.postgresql.database": ("PostgresDatabase.read", "PostgresDatabase.write", "PostgresDatabase.hold"),
    "storage.envelope": ("Kdf.derive",),
    "psycopg2": ("connect",),
    "time": ("sleep",),
    "keyring": ("get_password", "set_password", "delete_password", "get_keyring"),
}
"""What no audit event tells of."""
_OURS: Final = {"gui", "models", "services", "storage", "exchanges", "main.py"}
_TESTS: Final = {"tests", "benchmarks"}

_found: dict[str, None] = {}
_main = threading.main_thread().ident


def blocking_calls() -> list[str]:
    """Return, and forget, the calls that blocked a loop: the event, and the functions that led to it."""
    found = list(_found)
    _found.clear()
    return found


def _note(event: str, what: object) -> None:
    if threading.get_ident() == _main and asyncio._get_running_loop() is not None:
        ours = _of_the_window(sys._getframe(2))
        if ours:
            _found[f"{event}({what!r}) in {' < '.join(ours)}"] = None


def _of_the_window(frame: FrameType | None) -> list[str]:
    """Return the functions of ours that led here, the innermost first; none where a test called the last of them."""
    ours: list[str] = []
    while frame is not None and (part := _part(frame.f_code.co_filename)) not in _TESTS:
        if part == "import":
            return []
        if part in _OURS:
            ours.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_qualname}")
            last = part
        frame = frame.f_back
    return ours if ours and last == "gui" else []


@cache
def _part(file: str) -> str:
    """Return the part of the tree that a file of ours belongs to; "import" for what reads modules, "" for others."""
    # A module that is needed now is read now, and once more by PySide; a bug in the log quotes the source.
    if file.startswith("<frozen importlib") or "shibokensupport" in file or file.endswith("linecache.py"):
        return "import"
    path = Path(file)
    return path.relative_to(ROOT).parts[0] if path.is_relative_to(ROOT) else ""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_EVENTS) and event not in _HARMLESS:
        _note(event, arguments[0] if arguments else "")


def _noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def first(*given: Any, **named: Any) -> Any:
        _note(name, "")
        return call(*given, **named)

    return first


@cache
def watch() -> None:
    """Watch over this process from now on: there is no way to take an audit hook off again."""
    sys.addaudithook(_hook)
    for module, names in _CALLS.items():
        for name in names:
            holder: Any = import_module(module)
            *owner, last = name.split(".")
            for each in owner:
                holder = getattr(holder, each)
            setattr(holder, last, _noted(name, getattr(holder, last)))


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    if "qapp" not in request.fixturenames:
        yield
        return
    watch()
    blocking_calls()
    yield
    if found := blocking_calls():
        pytest.fail("\n".join(["The loop was blocked by", *found]), pytrace=False)
