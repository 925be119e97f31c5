"""F19: a connection that is not as safe as was asked for is not made, and each reason is told apart."""

from pathlib import Path
from typing import NamedTuple

import pytest

from models.problem import Category, Problem, StoreError
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.session import Pace
from tests.bare_postgres import PASSWORD, BareServer
from tests.tls_door import Authority, TlsDoor, make_authority, make_identity


class Trust(NamedTuple):
    """Two authorities, and the certificates that the first has signed."""

    ours: Authority
    other: Authority
    here: Path
    elsewhere: Path
    expired: Path


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    folder = tmp_path_factory.mktemp("tls")
    ours, other = make_authority(folder, "ours"), make_authority(folder, "other")
    here = make_identity(folder, ours, "localhost", "127.0.0.1")
    elsewhere = make_identity(folder, ours, "db.example.org")
    return Trust(ours, other, here, elsewhere, make_identity(folder, ours, "localhost", days=-1))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give libpq a home folder without certificates in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def url_of(server: BareServer, port: int, mode: str, root: Path | None, host: str = "localhost") -> str:
    options = f"?sslmode={mode}" + (f"&sslrootcert={root}" if root else "")
    return server.url(options=options).replace(f"@127.0.0.1:{server.port}", f"@{host}:{port}")


def in_use(url: str) -> bool:
    """Connect, ask something, and tell whether TLS was in use."""
    database = PostgresDatabase.open(parse_address(url), pace=Pace(0.01))
    try:
        with database.hold() as session, session.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(session.info.ssl_in_use)
    finally:
        database.close()


def refused(url: str) -> Problem:
    with pytest.raises(StoreError) as caught:
        in_use(url)
    problem = caught.value.problem
    assert PASSWORD not in " ".join(map(str, problem))
    return problem


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_the_right_certificate_is_accepted(
    postgres_server: BareServer, trust: Trust, home: Path, mode: str, host: str
) -> None:
    door = TlsDoor(postgres_server.port, trust.here)
    assert in_use(url_of(postgres_server, door.port, mode, trust.ours.file, host))
    door.close()


@pytest.mark.parametrize(
    ("identity", "mode", "root", "case"),
    [
        ("here", "verify-full", "other", "the authority trusted here has not signed it"),
        ("here", "verify-ca", "other", "the authority trusted here has not signed it"),
        ("here", "require", "other", "the authority trusted here has not signed it"),
        ("elsewhere", "verify-full", "ours", "the certificate is for another host"),
        ("expired", "verify-full", "ours", "the certificate has expired"),
        ("here", "verify-full", "", "the file with the root certificate is missing"),
        ("here", "verify-ca", "", "the file with the root certificate is missing"),
    ],
)
def test_each_doubt_is_named_and_nothing_is_sent(
    postgres_server: BareServer, trust: Trust, home: Path, identity: str, mode: str, root: str, case: str
) -> None:
    door = TlsDoor(postgres_server.port, getattr(trust, identity))
    file = getattr(trust, root).file if root else home / "absent.crt"
    problem = refused(url_of(postgres_server, door.port, mode, file))
    door.close()
    assert problem.category is Category.TLS
    assert case in problem.text
    assert door.heard == b""


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_root_file_without_a_certificate_is_not_called_missing(
    postgres_server: BareServer, trust: Trust, home: Path, mode: str
) -> None:
    (home / "root.crt").write_text("no certificate")
    door = TlsDoor(postgres_server.port, trust.here)
    problem = refused(url_of(postgres_server, door.port, mode, home / "root.crt"))
    door.close()
    assert problem.category is Category.TLS
    assert "holds none that can be read" in problem.text


def test_what_libpq_refuses_before_it_asks_is_for_a_person_to_mend(
    postgres_server: BareServer, trust: Trust, home: Path
) -> None:
    """None of these becomes better by trying again."""
    open_key = home / "open.key"
    open_key.write_bytes(trust.here.read_bytes())
    open_key.chmod(0o644)
    door = TlsDoor(postgres_server.port, trust.here)
    url = url_of(postgres_server, door.port, "require", None)
    for option, said in (
        ("&sslrootcert=system", "verify-full"),
        (f"&sslcert={trust.here}&sslkey={open_key}", "open to others"),
        (f"&sslcert={trust.here}&sslkey={home / 'absent.key'}", "private key of this computer is missing"),
        ("&channel_binding=require", "no channel binding"),
    ):
        problem = refused(url + option)
        assert (problem.category, said in problem.text) == (Category.TLS, True), problem
    door.close()


def test_another_host_is_accepted_where_only_the_authority_was_asked_for(
    postgres_server: BareServer, trust: Trust, home: Path
) -> None:
    door = TlsDoor(postgres_server.port, trust.elsewhere)
    assert in_use(url_of(postgres_server, door.port, "verify-ca", trust.ours.file))
    door.close()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_tls_is_refused(postgres_server: BareServer, trust: Trust, home: Path, mode: str) -> None:
    problem = refused(url_of(postgres_server, postgres_server.port, mode, trust.ours.file))
    assert problem.category is Category.TLS
    assert "the server offers no TLS" in problem.text


def test_who_says_there_is_no_tls_gets_nothing(postgres_server: BareServer, trust: Trust, home: Path) -> None:
    door = TlsDoor(postgres_server.port, trust.here, offer=False)
    for mode in ("require", "verify-full"):
        assert refused(url_of(postgres_server, door.port, mode, trust.ours.file)).category is Category.TLS
    door.close()
    assert door.heard == b""


def test_prefer_means_what_libpq_means(postgres_server: BareServer, trust: Trust, home: Path) -> None:
    door = TlsDoor(postgres_server.port, trust.here)
    assert in_use(url_of(postgres_server, door.port, "prefer", None))
    assert not in_use(url_of(postgres_server, postgres_server.port, "prefer", None))
    door.close()
