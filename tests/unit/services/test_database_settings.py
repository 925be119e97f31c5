"""The database form: tried on a real server, saved with a sealed password, and never more than that."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.database_form import DatabaseForm
from models.problem import Category, InputError
from models.secret import Secret
from services.database_settings import DatabaseSettingsService
from services.moving import form_of_url
from services.settings import SettingsService
from storage.data_folder import DataFolder, prepare
from storage.vault import Vault
from tests.bare_postgres import PASSWORD, BareServer
from tests.canary import canaries_under, make_canary


class Desk:
    """A data folder with its vault and settings; `switched` counts how often the store was told to open anew."""

    def __init__(self, root: Path) -> None:
        self.folder: DataFolder = prepare(root)
        self.vault = Vault.open(self.folder, passphrase=None, environment={}, writable=True)
        self.settings = SettingsService(self.folder)
        self.settings.load()
        self.environment: dict[str, str] = {}
        self.switched = 0
        self.service = DatabaseSettingsService(self.settings, self.vault, self.environment, self._switch)

    def _switch(self) -> None:
        self.switched += 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data")


def form(**fields: Any) -> DatabaseForm:
    given = {"host": "db1", "database": "cts", "user": "desk", **fields}
    return DatabaseForm(**given)


def test_the_password_is_sealed_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    password = make_canary(awkward=True)
    current = desk.service.save(form(password=Secret(password)))
    assert (current.password_set, current.source, current.fixed) == (True, "settings", False)
    assert current.location == "postgresql://desk@db1:5432/cts"
    assert current.form == form()
    assert desk.switched == 1
    assert canaries_under(tmp_path, [password]) == []
    again = Desk(tmp_path / "data").service.target()
    assert again.problem is None
    assert again.address is not None
    assert again.address.keywords()["password"] == password
    assert password not in repr((current, again))


def test_an_empty_password_field_keeps_the_password(desk: Desk) -> None:
    desk.service.save(form(password=Secret("first")))
    desk.service.save(form(host="db2"))
    address = desk.service.target().address
    assert address is not None
    assert (address.hosts, address.keywords()["password"]) == ((("db2", 5432),), "first")
    desk.service.save(form(host="db2", password=Secret("")))
    assert not desk.service.current.password_set


def test_a_password_is_not_sent_to_another_server_than_it_was_saved_for(desk: Desk) -> None:
    desk.service.save(form(password=Secret("only for db1")))
    saved = json.loads(desk.folder.settings.read_bytes())
    saved["database"]["host"] = "elsewhere"
    desk.folder.settings.write_text(json.dumps(saved))
    desk.settings.load()
    target = desk.service.target()
    assert target.problem is not None
    assert target.problem.category is Category.DAMAGED_SECRET
    assert "Type it again" in target.problem.solution
    assert target.address is not None
    assert target.address.password is None


@pytest.mark.parametrize("token", ["in clear", "cts1.nokey.AAAA", "cts1.", 7, ["x"]])
def test_what_is_no_token_is_never_used_as_a_password(desk: Desk, token: Any) -> None:
    desk.service.save(form())
    desk.settings.change(database={**desk.settings.current.database, "password": token})
    target = desk.service.target()
    assert target.address is None or target.address.password is None
    assert desk.service.key_id() in {None, "nokey"}
    if isinstance(token, str):
        assert target.problem is not None


def test_clearing_goes_back_to_the_data_folder(desk: Desk) -> None:
    desk.service.save(form())
    assert desk.service.target().backend == "postgresql"
    desk.service.clear()
    assert (desk.service.target().backend, desk.service.current.source) == ("sqlite", "")
    assert desk.switched == 2


def test_the_environment_wins_and_the_form_shows_what_is_saved(desk: Desk) -> None:
    desk.service.save(form())
    desk.environment["DATABASE_URL"] = "postgresql://other:pw@db9/elsewhere"
    current = desk.service.current
    assert (current.source, current.fixed, current.location) == (
        "DATABASE_URL",
        True,
        "postgresql://other:***@db9:5432/elsewhere",
    )
    assert current.form == form()
    desk.settings.change(database={})
    assert (desk.service.current.form.host, desk.service.current.form.user) == ("db9", "other")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"host": ""}, "host"),
        ({"host": "a\nb"}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65_536}, "port"),
        ({"user": " "}, "user"),
        ({"database": "\u202e"}, "database"),
        ({"tls": "maybe"}, "tls"),
        ({"root_certificate": "/ca.pem"}, "tls"),
        ({"password": Secret("nul\0nul")}, "password"),
        ({"password": Secret("half \ud83d")}, "password"),
    ],
)
def test_nonsense_is_refused_and_the_field_named(desk: Desk, fields: dict[str, Any], field: str) -> None:
    for call in (desk.service.save, desk.service.test):
        with pytest.raises(InputError) as caught:
            call(form(**fields))
        assert caught.value.field == field
    assert desk.settings.current.database == {}
    assert desk.switched == 0


def test_a_rotation_seals_the_password_anew(desk: Desk) -> None:
    desk.service.save(form(password=Secret("kept")))
    old = desk.service.key_id()
    rotation = desk.vault.begin_rotation()
    assert desk.service.key_id() == old
    desk.service.reseal()
    assert desk.service.key_id() == rotation.key_id != old
    address = desk.service.target().address
    assert address is not None
    assert address.keywords()["password"] == "kept"


def at(server: BareServer, **fields: Any) -> DatabaseForm:
    login = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "database": "postgres"}
    return DatabaseForm(**{**login, "password": Secret(PASSWORD), **fields})


def test_a_try_says_what_it_found(desk: Desk, postgres_server: BareServer, migrated_template: str) -> None:
    empty = desk.service.test(at(postgres_server))
    assert empty.problem is None
    assert empty.server_version
    assert empty.connections is None
    assert "no connections table yet" in empty.sentence
    full = desk.service.test(at(postgres_server, database=migrated_template))
    assert (full.problem, full.connections) == (None, 0)
    assert desk.settings.current.database == {}


def test_a_try_names_what_is_wrong(desk: Desk, postgres_server: BareServer) -> None:
    wrong = make_canary()
    tried = desk.service.test(at(postgres_server, password=Secret(wrong)))
    assert tried.problem is not None
    assert tried.problem.category is Category.AUTH
    assert wrong not in repr(tried)
    for fields, category in (
        ({"database": "nowhere"}, Category.MISSING_DB),
        ({"port": 1}, Category.SERVER_DOWN),
        ({"host": "no-such-host.invalid"}, Category.DNS),
        ({"tls": "require"}, Category.TLS),
        ({"tls": "verify-full", "root_certificate": "/nonexistent.pem"}, Category.TLS),
    ):
        problem = desk.service.test(at(postgres_server, **fields)).problem
        assert problem is not None
        assert problem.category is category
        assert "DATABASE_URL" not in problem.solution


def test_a_role_without_rights_and_a_read_only_database_are_told(desk: Desk, postgres_server: BareServer) -> None:
    postgres_server.sql("CREATE ROLE looker LOGIN PASSWORD 'looker'", "CREATE DATABASE visit_ro")
    postgres_server.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database="visit_ro")
    try:
        tried = desk.service.test(at(postgres_server, database="visit_ro", user="looker", password=Secret("looker")))
        assert tried.problem is not None
        assert tried.problem.category is Category.NO_PRIVILEGE
        postgres_server.sql("ALTER DATABASE visit_ro SET default_transaction_read_only = on")
        tried = desk.service.test(at(postgres_server, database="visit_ro"))
        assert tried.problem is not None
        assert tried.problem.category is Category.READ_ONLY
    finally:
        postgres_server.sql("DROP DATABASE visit_ro WITH (FORCE)", "DROP ROLE looker")


def test_a_url_that_requires_tls_and_names_an_authority_is_checked_as_libpq_checks_it() -> None:
    form = form_of_url("postgresql://user:kanarie@db1/desk?sslmode=require&sslrootcert=/ca.pem")
    assert (form.tls, form.root_certificate) == ("verify-ca", "/ca.pem")
