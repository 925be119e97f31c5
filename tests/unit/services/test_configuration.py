"""What the environment and the settings ask for is said, never ignored, and never with a password."""

from typing import Any

import pytest

from models.problem import Category
from services.configuration import Configuration, read_configuration

CANARY = "S3cr3t-c4n4ry"
SAVED = {"host": "db2", "port": 5433, "database": "cts", "user": "desk", "tls": "verify-full"}


def test_nothing_set_needs_nothing() -> None:
    configuration = read_configuration({"DATABASE_URL": "  "})
    assert configuration == Configuration("sqlite")  # type: ignore[arg-type]
    assert configuration.valid


def test_postgresql_by_url_with_the_password_masked() -> None:
    configuration = read_configuration({"DATABASE_URL": f"postgresql://desk:{CANARY}@db1:5433/cts?sslmode=require"})
    assert (configuration.wanted, configuration.source) == ("postgresql", "DATABASE_URL")
    assert configuration.location == "postgresql://desk:***@db1:5433/cts"
    assert configuration.valid
    assert configuration.location in configuration.sentence
    assert CANARY not in repr(configuration)
    assert configuration.address is not None
    assert configuration.address.keywords()["password"] == CANARY


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"mysql://u:{CANARY}@h/db", "does not start with postgresql://"),
        (CANARY, "does not start with postgresql://"),
        (f"postgresql://u:{CANARY}@h:99999/db", "port"),
        (f"postgresql://u:{CANARY}@h:{CANARY}/db", "port"),
        (f"postgresql://u:{CANARY}@h/", "names no database"),
        (f"postgresql://u:{CANARY}@[::1/db", "brackets"),
        (f"postgresql://u:p/{CANARY}@h/db", "%2F"),
    ],
)
def test_a_malformed_url_is_named_by_its_part_and_no_other_database_is_used(url: str, why: str) -> None:
    configuration = read_configuration({"DATABASE_URL": url}, SAVED)
    assert (configuration.wanted, configuration.address) == ("postgresql", None)
    assert configuration.problem is not None
    assert configuration.problem.category is Category.CONFIG
    assert why in configuration.problem.text
    assert "JSON" in configuration.problem.text
    assert CANARY not in repr(configuration)


def test_the_settings_are_used_and_the_environment_wins_and_says_so() -> None:
    configuration = read_configuration({}, SAVED)
    assert (configuration.wanted, configuration.source) == ("postgresql", "settings")
    assert configuration.location == "postgresql://desk@db2:5433/cts"
    assert configuration.address is not None
    assert configuration.address.keywords()["sslmode"] == "verify-full"
    over = read_configuration({"DATABASE_URL": "postgresql://u@db1/cts"}, SAVED)
    assert (over.source, over.location, over.hidden) == ("DATABASE_URL", "postgresql://u@db1:5432/cts", True)
    assert "wins" in over.sentence


@pytest.mark.parametrize(
    "saved",
    [
        "postgresql://u@h/db",
        ["db1"],
        7,
        {"host": "db1"},
        {**SAVED, "host": " "},
        {**SAVED, "host": ["db1"]},
        {**SAVED, "host": "h\x00"},
        {**SAVED, "port": "5432"},
        {**SAVED, "port": True},
        {**SAVED, "port": 70_000},
        {**SAVED, "user": None},
        {**SAVED, "database": "x" * 501},
        {**SAVED, "tls": "off"},
        {**SAVED, "tls": "require", "root_certificate": "/ca.pem"},
    ],
)
def test_settings_that_make_no_sense_open_no_other_database(saved: Any) -> None:
    configuration = read_configuration({}, saved)
    assert (configuration.wanted, configuration.address) == ("postgresql", None)
    assert configuration.problem is not None
    assert configuration.problem.category is Category.CONFIG
    assert configuration.problem.solution


def test_several_hosts_share_a_port() -> None:
    address = read_configuration({}, {**SAVED, "host": "db1, ::1"}).address
    assert address is not None
    assert address.hosts == (("db1", 5433), ("::1", 5433))


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", " on "])
def test_the_json_store_can_be_asked_for(word: str) -> None:
    configuration = read_configuration({"USE_FILE_STORAGE": word, "DATABASE_URL": "postgresql://u@h/db"})
    assert (configuration.wanted, configuration.source) == ("json", "USE_FILE_STORAGE")
    assert configuration.problem is None


def test_neither_true_nor_false_is_said() -> None:
    configuration = read_configuration({"USE_FILE_STORAGE": "maybe"})
    assert configuration.wanted == "json"
    assert configuration.problem is not None
    assert configuration.problem.category is Category.CONFIG


@pytest.mark.parametrize("word", ["", "false", "0", "no", "OFF"])
def test_false_means_false(word: str) -> None:
    assert read_configuration({"USE_FILE_STORAGE": word}).wanted == "sqlite"
