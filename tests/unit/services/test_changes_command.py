"""Choices for conflicts: every field is answered, units stay whole, nothing is guessed."""

from typing import Any

import pytest

from models.change import Changes, Choice, Conflict, RejectedChange, WaitingChange
from models.problem import Category, InputError, Problem
from services.commands.changes import as_json, choose

NOTE = Conflict("c1", "id", "A", ("note",), {"note": "b"}, {"note": "m"}, {"note": "t"}, "desk", "2026-01-01")
KEYS = Conflict("c2", "id", "A", ("api_key", "api_secret"), {}, {}, {}, "desk", "2026-01-01")


def test_one_side_for_everything() -> None:
    assert choose([NOTE, KEYS], "theirs", {}) == {"c1": Choice.THEIRS, "c2": Choice.THEIRS}


def test_a_side_for_each_field() -> None:
    fields = {"note": "mine", "api_secret": "theirs"}
    assert choose([NOTE, KEYS], None, fields) == {"c1": Choice.MINE, "c2": Choice.THEIRS}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"note": "mine"},
        {"note": "mine", "api_key": "mine", "api_secret": "theirs"},
        {"note": "both", "api_key": "mine"},
        {"note": True, "api_key": "mine"},
        {"note": None, "api_key": "mine"},
        {"note": "mine", "api_key": "mine", "name": "mine"},
        {"note": ["mine"], "api_key": "mine"},
    ],
)
def test_nothing_is_guessed(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        choose([NOTE, KEYS], None, fields)


def test_everything_is_printed_for_scripts() -> None:
    waiting = WaitingChange("op", "id", "A", "edit", ("note",), "2026-01-01", "desk", 3)
    refused = RejectedChange("op2", "id", "A", "add", (), "2026-01-01", Problem(Category.CONSTRAINT, "No.", "Mend."))
    printed = as_json(Changes((waiting,), (refused,), (NOTE,)))
    assert printed["waiting"][0]["fields"] == ["note"]
    assert printed["rejected"][0]["problem"] == {"category": "CONSTRAINT", "text": "No.", "solution": "Mend."}
    assert printed["conflicts"][0]["mine"] == {"note": "m"}
