"""A network that swallows packets: a namespace with a wire of its own, whose far address can be taken away.

Nothing is refused and nothing acknowledged, as with a dropped VPN. It needs root and network namespaces; where they are
not to be had, a proxy that swallows everything stands in, which differs in that the kernel still acknowledges.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from tests.bare_postgres import BareServer, free_port
from tests.proxy import Proxy
from tests.rights import stands_in

_numbers = count(1)
# Runs inside of the namespace: TCP there, the server's own socket file here.
_RELAY = """
import socket, sys, threading
host, port, path = sys.argv[1:]
door = socket.create_server((host, int(port)))
print("ready", flush=True)
def copy(source, target):
    try:
        while more := source.recv(65536):
            target.sendall(more)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
while True:
    client, _ = door.accept()
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        client.close()
        continue
    for pair in ((client, server), (server, client)):
        threading.Thread(target=copy, args=pair, daemon=True).start()
"""


class Hole(Protocol):
    """A way to the server at `host`:`port`. `kind` says what it is made of."""

    kind: str
    host: str
    port: int

    def swallow(self) -> None: ...

    def mend(self) -> None: ...

    def close(self) -> None: ...


class NamespaceHole:
    """A pair of virtual network cards; the far one, with the relay behind it, is in a namespace."""

    kind = "network namespace"

    def __init__(self, server: BareServer) -> None:
        number = next(_numbers)
        self._name = f"cts{server.port}n{number}"
        self._near, self._far = f"ctsn{server.port}", f"ctsf{server.port}"
        self._here, self.host = "10.213.77.1", "10.213.77.2"
        self.port = free_port()
        self._relay: subprocess.Popen[str] | None = None
        try:
            self._lay()
            inside = ["ip", "netns", "exec", self._name, sys.executable, "-c", _RELAY]
            socket_file = server.folder / f".s.PGSQL.{server.port}"
            self._relay = subprocess.Popen(
                [*inside, self.host, str(self.port), str(socket_file)], stdout=subprocess.PIPE, text=True
            )
            assert self._relay.stdout is not None
            if self._relay.stdout.readline() != "ready\n":
                raise OSError("the relay does not start")
        except BaseException:  # an interruption, too, leaves no namespace behind; it goes on
            self.close()
            raise

    def swallow(self) -> None:
        self._inside("ip", "addr", "del", f"{self.host}/24", "dev", self._far)

    def mend(self) -> None:
        self._inside("ip", "addr", "add", f"{self.host}/24", "dev", self._far)
        # The near card's neighbour goes with the address; without it the first packet waits for an answer to ARP.
        self._know_each_other()

    def close(self) -> None:
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
        subprocess.run(["ip", "link", "del", self._near], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self._name], check=False, capture_output=True)

    def _lay(self) -> None:
        _run("ip", "netns", "add", self._name)
        _run("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self._name)
        _run("ip", "addr", "add", f"{self._here}/24", "dev", self._near)
        _run("ip", "link", "set", self._near, "up")
        self._inside("ip", "addr", "add", f"{self.host}/24", "dev", self._far)
        self._inside("ip", "link", "set", self._far, "up")
        self._inside("ip", "link", "set", "lo", "up")
        self._know_each_other()

    def _know_each_other(self) -> None:
        """Tell each card the other's number for good: an unknown neighbour is refused by the kernel, not swallowed."""
        near = Path(f"/sys/class/net/{self._near}/address").read_text(encoding="ascii").strip()
        far = self._inside("cat", f"/sys/class/net/{self._far}/address").strip()
        _run("ip", "neigh", "replace", self.host, "lladdr", far, "dev", self._near, "nud", "permanent")
        self._inside("ip", "neigh", "replace", self._here, "lladdr", near, "dev", self._far, "nud", "permanent")

    def _inside(self, *command: str) -> str:
        return _run("ip", "netns", "exec", self._name, *command)


class ProxyHole(Proxy):
    """The injection that needs no rights: everything is taken and nothing passed on."""

    kind = "proxy that swallows"
    host = "127.0.0.1"


@contextmanager
def black_hole(server: BareServer) -> Iterator[Hole]:
    """Give a way to the server that can be swallowed, the real one where the system allows it. It says which."""
    hole: Hole
    try:
        hole = NamespaceHole(server)
    except OSError as error:
        stands_in("a network that swallows packets", str(error), "a proxy that swallows everything")
        hole = ProxyHole(server.port)
    try:
        yield hole
    finally:
        hole.close()


def _run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise OSError(f"there is no {command[0]}")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
