"""Kill writers two hundred times: one warm process forks each of them, so that Python starts once and not each time.

What runs, dies and is looked at afterwards is the same as with a new process: a fork has its own memory and files.
"""

import json
import os
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.faults.real_faults import child

ROUNDS = int(os.environ.get("CTS_KILL_ROUNDS", "200"))
SEED = os.environ.get("CTS_SEED", "1")

# For each line (a path and seconds) it forks a writer, lets it say that something is saved, and kills it later.
_NURSERY = """
import json, os, select, signal, time
code = json.loads(sys.stdin.readline())
exec("\\n".join(line for line in code.splitlines() if line.startswith(("from ", "import "))), {})
program = compile(code, "writer", "exec")
print("ready", flush=True)
for line in sys.stdin:
    path, seconds = json.loads(line)
    reading, writing = os.pipe()
    writer = os.fork()
    if not writer:
        try:
            os.close(reading)
            os.dup2(writing, 1)
            sys.argv[1:] = [path]
            exec(program, {"sys": sys, "__name__": "writer"})
        except BaseException as error:  # a forked copy of the test run: nothing may go on from here
            os.write(2, repr(error).encode())
        finally:
            os._exit(70)
    os.close(writing)
    spoke = bool(select.select([reading], [], [], 60)[0])
    time.sleep(seconds)
    os.kill(writer, signal.SIGKILL)
    said = b""
    while more := os.read(reading, 65536):
        said += more
    os.close(reading)
    print(json.dumps([spoke, os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]), said.decode()]), flush=True)
"""


class Killer:
    """Runs a writer, which says a number on a line of standard output for everything that it calls saved."""

    def __init__(self, nursery: "subprocess.Popen[str]", seconds: float) -> None:
        self._nursery = nursery
        self._seconds = seconds
        self._moment = Random(SEED)

    def kill_one(self, path: Path) -> list[int]:
        """Kill a writer on `path` up to `seconds` after its first word; return the numbers that it said in whole."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps([str(path), self._moment.uniform(0, self._seconds)]) + "\n")
        self._nursery.stdin.flush()
        spoke, code, said = json.loads(self._nursery.stdout.readline())
        assert spoke, "the writer said nothing"
        assert code == -signal.SIGKILL, f"the writer ended with {code} before it was killed"
        return [int(line) for line in said.split("\n")[:-1]]


@contextmanager
def killer_of(writer: str, *, seconds: float) -> Iterator[Killer]:
    """Give who kills writers; `writer` is their program, with the path in sys.argv[1]."""
    with subprocess.Popen(child(_NURSERY), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        try:
            nursery.stdin.write(json.dumps(textwrap.dedent(writer)) + "\n")
            nursery.stdin.flush()
            assert nursery.stdout.readline() == "ready\n"
            yield Killer(nursery, seconds)
        finally:
            nursery.kill()
