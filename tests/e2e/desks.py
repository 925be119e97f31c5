"""Desks: programs in data folders of their own on one PostgreSQL, with the passphrase that they share."""

from pathlib import Path

from tests.bare_postgres import BareServer
from tests.e2e.program import Program

PASSPHRASE = "a few shared words"


class Desks:
    """Makes one desk after the other. `password` is that of the database's user."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.passphrase_file = folder / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE, encoding="utf-8")
        self.passphrase_file.chmod(0o600)

    def desk(self, name: str, **environment: str) -> Program:
        """Return a desk on the database; an empty value takes a variable away."""
        wanted = {"DATABASE_URL": self.url, "CTS_PASSPHRASE_FILE": str(self.passphrase_file), **environment}
        program = Program(self.folder / name, wanted)
        for word, value in wanted.items():
            if not value:
                del program.environment[word]
        return program


def user_with_canary(server: BareServer, database: str, password: str) -> str:
    """Make a user whose password is searched for afterwards, owner of a new database; return its URL."""
    quoted = password.replace("'", "''")
    server.sql(
        f"CREATE ROLE \"{database}\" LOGIN PASSWORD '{quoted}'", f'CREATE DATABASE "{database}" OWNER "{database}"'
    )
    return server.url(database, user=database, password=password)


def refused_logins(server: BareServer) -> int:
    """Count how often the server refused a password, as its own log says."""
    log = server.folder / "log"
    return log.read_text(errors="replace").count("password authentication failed") if log.exists() else 0


def at_once(*calls: "list[str]", environments: "list[dict[str, str]]", inputs: list[bytes]) -> list[int]:
    """Start several processes, feed each, and return their exit codes once all have ended."""
    import subprocess

    running = [
        subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        )
        for call, environment in zip(calls, environments, strict=True)
    ]
    for process, given in zip(running, inputs, strict=True):
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
    codes = []
    for process in running:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        codes.append(process.wait(60))
        process.stderr.close()
        assert codes[-1] == 0, said
    return codes
