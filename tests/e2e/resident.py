"""A desktop that stays open, as a process: the whole program but its window, told what to do line by line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bare_postgres import wait_until
from tests.e2e.program import Program


class Resident:
    """Starts in the data folder and with the environment of `program`; it is never started anew."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.resident", str(program.folder)],
            cwd=Path(__file__).resolve().parents[2],
            env=program.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._answer() == "ready"

    def ask(self, word: str, *given: Any) -> Any:
        """Return the answer; a Problem comes as {"problem": category}."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([word, *given]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def store(self) -> Any:
        return self.ask("status")["store"]

    def records(self) -> dict[str, Any]:
        """Return the whole list by name, without what names the moment."""
        return {record["name"]: record for record in self.ask("records")}

    def wait_home(self, seconds: float = 30.0) -> None:
        def home() -> bool:
            store = self.store()
            return (store["backend"], store["state"], store["waiting"]) == ("postgresql", "online", 0)

        wait_until(home, seconds)

    def wait_away(self, seconds: float = 20.0) -> None:
        wait_until(lambda: self.store()["state"] == "fallback", seconds)

    def close(self) -> int:
        """End it as the end of its input does, and return its exit code; a second time does nothing."""
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()
            try:
                return process.wait(15)
            finally:
                process.kill()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended with {self._process.wait(15)}"
        return json.loads(line)


def _serve(folder: str) -> None:
    from main import Arguments, build_core
    from models.problem import CtsError
    from services.connections import as_json

    core = build_core(Arguments(folder))
    core.startup.run()
    connections = core.connections

    def add(fields: dict[str, Any]) -> None:
        connections.add(fields)

    def edit(name: str, fields: dict[str, Any]) -> None:
        connections.edit(connections.find(name).id, fields)

    calls: dict[str, Callable[..., Any]] = {
        "status": core.status.as_json,
        "records": lambda: [as_json(connections.get(row.id)) for row in connections.rows()],
        "ending": lambda name: connections.key_ending(connections.find(name).id),
        "add": add,
        "edit": edit,
        "remove": lambda name: len(connections.remove([connections.find(name).id])),
        "changes": lambda: [len(part) for part in core.changes.all()],
    }
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        word, *given = json.loads(line)
        try:
            answer = calls[word](*given)
        except CtsError as error:
            answer = {"problem": error.problem.category.value}
        print(json.dumps(answer, default=str), flush=True)
    core.startup.close()


if __name__ == "__main__":
    _serve(sys.argv[1])
