"""A network of our own between a program and its server: it can swallow, trickle, cut and reset what passes."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on `port` of 127.0.0.1 and passes on to `server_port`, until told otherwise.

    `connects` are the monotonic moments at which somebody connected, whatever came of it.
    """

    def __init__(self, server_port: int) -> None:
        self.connects: list[float] = []
        self._server_port = server_port
        self._swallows = self._refuses = False
        self._pause = 0.0
        self._cut_after: int | None = None
        self._word, self._passes_word = b"", True
        self._heard_word = threading.Event()
        self._links: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def swallow(self) -> None:
        """Take everything and pass nothing on, in either direction: nobody hears of anything any more."""
        self._swallows = True

    def refuse(self) -> None:
        """Reset every connection, and each new one as soon as it is made."""
        self._refuses = True
        self._end_links()

    def trickle(self) -> None:
        """Pass the server's answers on at one byte a second."""
        self._pause = 1.0

    def cut_answer_after(self, count: int) -> None:
        """Reset the connection in the middle of a message: after so many more bytes of the server's."""
        self._cut_after = count

    def lose_answer_to(self, word: bytes, *, deliver: bool) -> None:
        """Break the connection when the client sends `word`: after it has arrived at the server, or before."""
        self._heard_word.clear()
        self._word, self._passes_word = word, deliver

    def wait_for_word(self, seconds: float = 10.0) -> bool:
        return self._heard_word.wait(seconds)

    def mend(self) -> None:
        """Pass everything on again, on new connections: what was swallowed is gone."""
        self._end_links()
        self._swallows = self._refuses = False
        self._pause, self._cut_after, self._word = 0.0, None, b""

    def close(self) -> None:
        # Whoever waits in accept() is not woken by closing alone.
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._end_links()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self.connects.append(time.monotonic())
                if self._refuses:
                    _reset(client)
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._server_port))
                except OSError:
                    _reset(client)
                    continue
                with self._lock:
                    self._links.append((client, server))
                for call in (self._ask, self._answer):
                    threading.Thread(target=call, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        def pass_on(more: bytes) -> None:
            if self._word and self._word in more:
                self._heard_word.set()
                if self._passes_word:
                    server.sendall(more)
                    # The server needs a moment to act on it; its answer finds nobody.
                    time.sleep(0.3)
                raise OSError
            server.sendall(more)

        self._copy(client, server, pass_on)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        def pass_on(more: bytes) -> None:
            if self._word and self._heard_word.is_set():
                return
            if self._cut_after is not None and len(more) > self._cut_after:
                client.sendall(more[: self._cut_after])
                raise OSError
            if self._cut_after is not None:
                self._cut_after -= len(more)
            for index in range(len(more) if self._pause else 0):
                client.sendall(more[index : index + 1])
                time.sleep(self._pause)
            if not self._pause:
                client.sendall(more)

        self._copy(server, client, pass_on)

    def _copy(self, source: socket.socket, target: socket.socket, pass_on: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while more := source.recv(65536):
                if not self._swallows:
                    pass_on(more)
        if not self._swallows:
            for each in (source, target):
                _reset(each)

    def _end_links(self) -> None:
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            for each in link:
                _reset(each)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        # Wakes whoever waits in recv(); close() alone does not.
        end.shutdown(socket.SHUT_RD)
    end.close()
