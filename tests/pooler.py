"""A pooler in transaction mode: a client has a server's session only from the begin of a transaction to its end.

It does what PgBouncer does with `pool_mode = transaction`, as far as a program can tell: what a client SETs or LISTENs
to stays behind on a session that the next client gets, and the process number that clients are told is made up. Where
PgBouncer itself is on the machine, the tests run with it as well.
"""

import itertools
import os
import queue
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection

from storage.postgresql.address import parse_address
from tests.bare_postgres import free_port, wait_until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
POOLERS = ["ours", *(["pgbouncer"] if PGBOUNCER else [])]
_CANCEL, _TLS, _GSS = 80877102, 80877103, 80877104


@contextmanager
def pooled(url: str, kind: str) -> Iterator[str]:
    """Put a pooler in transaction mode before the database; gives the URL to use."""
    if kind == "ours":
        pooler = Pooler(url)
        try:
            yield f"postgresql://anybody@127.0.0.1:{pooler.port}/any"
        finally:
            pooler.close()
    else:
        with _pgbouncer(url) as port:
            yield f"postgresql://anybody@127.0.0.1:{port}/any"


@contextmanager
def _pgbouncer(url: str) -> Iterator[int]:
    address, port = parse_address(url), free_port()
    assert PGBOUNCER is not None
    assert address.password is not None
    place = f"host={address.hosts[0][0]} port={address.hosts[0][1]} dbname={address.database} user={address.user}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\nany = {place} password='{address.password.reveal()}' pool_size=2\n"
            f"[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nauth_type=any\npool_mode=transaction\n"
            "unix_socket_dir=\n"
        )
        settings.chmod(0o644)
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with subprocess.Popen([PGBOUNCER, "-q", *user, str(settings)], stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(lambda: _answers(port))
                yield port
            finally:
                process.terminate()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Pooler:
    """Listens on `port` of 127.0.0.1 and lets anybody in; `sessions` are what it holds open at the server."""

    def __init__(self, url: str, size: int = 2) -> None:
        self._servers: queue.LifoQueue[socket.socket] = queue.LifoQueue()
        self._kept: list[connection] = []
        for _ in range(size):
            session = psycopg2.connect(url)
            self._kept.append(session)
            self._servers.put(socket.socket(fileno=os.dup(session.fileno())))
        self._size = size
        self._numbers = itertools.count(900_001)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for _ in range(self._size):
            self._servers.get(timeout=10).close()
        for session in self._kept:
            session.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self._clients.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if not self._welcome(client):
                return
            while True:
                kind, body = _message(client)
                if kind == b"X":
                    return
                self._transaction(client, kind + body)

    def _transaction(self, client: socket.socket, message: bytes) -> None:
        server = self._servers.get(timeout=10)
        server.setblocking(True)
        try:
            while True:
                server.sendall(message)
                if _relay(server, client) == b"I":
                    return
                kind, body = _message(client)
                if kind == b"X":
                    server.sendall(b"Q" + struct.pack("!i", 13) + b"ROLLBACK\0")
                    _relay(server, None)
                    raise OSError("the client has gone")
                message = kind + body
        finally:
            self._servers.put(server)

    def _welcome(self, client: socket.socket) -> bool:
        while True:
            (length,) = struct.unpack("!i", _exactly(client, 4))
            body = _exactly(client, length - 4)
            (code,) = struct.unpack("!i", body[:4])
            if code in {_TLS, _GSS}:
                client.sendall(b"N")
            elif code == _CANCEL:
                return False
            else:
                break
        settings = {"server_version": "18.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
        settings |= {"DateStyle": "ISO, MDY", "integer_datetimes": "on", "TimeZone": "UTC", "server_encoding": "UTF8"}
        answer = b"R" + struct.pack("!ii", 8, 0)
        for name, value in settings.items():
            text = f"{name}\0{value}\0".encode()
            answer += b"S" + struct.pack("!i", len(text) + 4) + text
        answer += b"K" + struct.pack("!iii", 12, next(self._numbers), 7)
        client.sendall(answer + b"Z" + struct.pack("!i", 5) + b"I")
        return True


def _relay(server: socket.socket, client: socket.socket | None) -> bytes:
    """Pass the server's answer on; returns the state of the transaction with which it ends."""
    while True:
        kind, body = _message(server)
        if client is not None:
            client.sendall(kind + body)
        if kind == b"Z":
            return body[4:5]


def _message(source: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(source, 1)
    length = _exactly(source, 4)
    return kind, length + _exactly(source, struct.unpack("!i", length)[0] - 4)


def _exactly(source: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = source.recv(count - len(got))
        if not more:
            raise OSError("closed")
        got += more
    return got
