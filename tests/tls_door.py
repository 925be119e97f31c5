"""A PostgreSQL server with TLS, whatever its build: a door before it that speaks TLS with certificates of our own.

The client's part, which is what is tested, is libpq's own; the server behind it hears plain TCP. With `offer=False` it
is what an attacker in the middle does: it says that there is no TLS, and notes what the client sends then.
"""

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TLS_CODE = 80877103
_DAY = datetime.timedelta(days=1)


class Authority(NamedTuple):
    """A certificate authority; `file` holds its certificate, as sslrootcert wants it."""

    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_authority(folder: Path, name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(name, key, issuer=None, days=2, hosts=(), is_authority=True)
    file = folder / f"{name}.crt"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(file, certificate, key)


def make_identity(folder: Path, authority: Authority, *hosts: str, days: int = 2) -> Path:
    """Return a file with a key and its certificate for `hosts`; with days < 0 it has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(hosts[0], key, issuer=authority, days=days, hosts=hosts)
    file = folder / f"{hosts[0]}-{days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: Authority | None,
    days: int,
    hosts: tuple[str, ...],
    is_authority: bool = False,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject, subject, key.public_key(), x509.random_serial_number()
    )
    builder = builder.not_valid_before(now - 9 * _DAY).not_valid_after(now + days * _DAY)
    builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    if hosts:
        named = [_host(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(named), critical=False)
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class TlsDoor:
    """Listens on `port` of 127.0.0.1. `heard` is what clients sent in clear, after they asked for TLS."""

    def __init__(self, server_port: int, identity: Path, *, offer: bool = True) -> None:
        self.heard = b""
        self._server_port = server_port
        self._offer = offer
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = client.recv(8)
            if len(request) != 8 or struct.unpack("!ii", request) != (8, _TLS_CODE):
                self.heard += request
                return
            client.sendall(b"S" if self._offer else b"N")
            if not self._offer:
                while more := client.recv(4096):
                    self.heard += more
                return
            with (
                self._context.wrap_socket(client, server_side=True) as safe,
                socket.create_connection(("127.0.0.1", self._server_port)) as server,
            ):
                answers = threading.Thread(target=_copy, args=(server, safe), daemon=True)
                answers.start()
                _copy(safe, server)
                answers.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while more := source.recv(65536):
            target.sendall(more)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
