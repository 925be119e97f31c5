"""What the window imports before it has painted: nothing but Qt and what the first paint shows."""

import subprocess
import sys

from tests.e2e.program import SOURCE, Program

# The first thread is the one that imports everything else, and it is started by the first paint.
_STOP_AT_FIRST_PAINT = """
import os, sys, threading
heavy = {"aiohttp", "asyncio", "cryptography", "dataclasses", "keyring", "peewee", "platformdirs", "psycopg2", "qasync"}
def first_thread(thread):
    print("painted:", *sorted(heavy & {name.partition(".")[0] for name in sys.modules}), flush=True)
    os._exit(0)
threading.Thread.start = first_thread
import main
sys.exit(main.main(sys.argv[1:]))
"""


# By then everything that paints the list is imported, and nothing of what comes behind it.
_STOP_BEHIND_THE_LIST = """
import os, sys, threading
import main
start = threading.Thread.start
heavy = {
    "aiohttp", "asyncio", "cryptography", "dataclasses", "keyring", "logging.config", "models.connection",
    "models.connection_rules", "peewee", "platformdirs", "psycopg2", "qasync", "uuid",
}
def begin(thread):
    if thread.name == "builder":
        print("list:", *sorted(heavy & sys.modules.keys()), flush=True)
        os._exit(0)
    start(thread)
threading.Thread.start = begin
sys.exit(main.main(sys.argv[1:]))
"""


def paint(program: Program, stop: str = _STOP_AT_FIRST_PAINT) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", stop, "--data-dir", str(program.folder)],
        cwd=SOURCE,
        env=program.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout.splitlines()


def test_on_a_fresh_folder_nothing_heavy_comes_before_the_paint_and_nothing_is_made(program: Program) -> None:
    assert paint(program) == ["painted:"]
    assert not program.folder.exists()


def test_with_connections_and_settings_it_is_the_same(program: Program) -> None:
    program.add(name="One", exchange="bybit")
    (program.folder / "settings.json").write_text('{"theme": "dark"}')
    assert paint(program) == ["painted:"]


def test_what_paints_the_list_imports_nothing_of_what_comes_behind_it(program: Program) -> None:
    program.add(name="One", exchange="bybit")
    assert paint(program, _STOP_BEHIND_THE_LIST) == ["list:"]


def test_qt_leaves_pythons_import_as_it_is() -> None:
    program = "import builtins; plain = builtins.__import__; import gui.app; print(builtins.__import__ is plain)"
    done = subprocess.run([sys.executable, "-c", program], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
