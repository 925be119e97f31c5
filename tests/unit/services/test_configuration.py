"""What the environment asks for is said, never ignored, and never with its password."""

import pytest

from models.problem import Category
from services.configuration import read_configuration

CANARY = "S3cr3t-c4n4ry"


def test_nothing_set_needs_nothing() -> None:
    configuration = read_configuration({"DATABASE_URL": "  "})
    assert (configuration.wanted, configuration.problem, configuration.valid) == ("sqlite", None, True)


def test_postgresql_is_announced_and_the_password_masked() -> None:
    configuration = read_configuration({"DATABASE_URL": f"postgresql://desk:{CANARY}@db1:5433/cts?sslmode=require"})
    assert configuration.location == "postgresql://desk:***@db1:5433/cts"
    assert configuration.valid
    assert configuration.problem is not None
    assert configuration.problem.category is Category.CONFIG
    assert configuration.location in configuration.sentence
    assert CANARY not in repr(configuration)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"mysql://u:{CANARY}@h/db", "does not start with postgresql://"),
        (CANARY, "does not start with postgresql://"),
        (f"postgresql://u:{CANARY}@h:99999/db", "port"),
        (f"postgresql://u:{CANARY}@h:{CANARY}/db", "port"),
        (f"postgresql://u:{CANARY}@h/", "names no database"),
        (f"postgresql://u:{CANARY}@[::1/db", "brackets"),
        (f"postgresql://u:p/{CANARY}@h/db", "port"),
    ],
)
def test_a_malformed_url_is_named_by_its_part(url: str, why: str) -> None:
    configuration = read_configuration({"DATABASE_URL": url})
    assert not configuration.valid
    assert configuration.problem is not None
    assert configuration.problem.category is Category.CONFIG
    assert why in configuration.problem.text
    assert CANARY not in repr(configuration)


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "on"])
def test_the_json_store_is_announced(word: str) -> None:
    configuration = read_configuration({"USE_FILE_STORAGE": word})
    assert configuration.wanted == "json"
    assert configuration.problem is not None


def test_false_means_false() -> None:
    assert read_configuration({"USE_FILE_STORAGE": "false"}).problem is None
