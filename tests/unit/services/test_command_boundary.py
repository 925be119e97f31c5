"""Whatever a command raises, a person gets one sentence and an exit code."""

import json
from typing import TYPE_CHECKING, NoReturn

import pytest

from models.problem import Category, Problem, StoreError
from services.commands import run

if TYPE_CHECKING:
    from services.core import Core


def raising(error: BaseException) -> "NoReturn":
    raise error


def attempt(error: BaseException, *, as_json: bool = False) -> int:
    def make_core(writes: bool) -> "Core":
        raising(error)

    return run(["connections"], make_core, as_json=as_json, program="main.py")


def test_a_problem_is_told_with_its_category(capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(StoreError(Problem(Category.DISK_FULL, "The disk is full.", "Free space."))) == 1
    assert capsys.readouterr() == ("", "DISK_FULL: The disk is full. Free space.\n")


def test_a_bug_shows_no_traceback_and_no_value(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert attempt(RuntimeError("a value from a record"), as_json=True) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["category"] == "BUG"
    assert "a value" not in err
    assert "RuntimeError" in caplog.text


def test_ctrl_c_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")
