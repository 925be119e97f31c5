"""What commands print is whole, aligned, and moves no cursor."""

import io
import json
import sys

import pytest

from models.problem import Category, Problem
from services.commands.output import Result, count, pairs, safe, safe_lines, table, write_problem, write_result


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Bybit main", "Bybit main"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb", "a\\x0ab"),
        ("right\u202eto left", "right\\u202eto left"),
        ("lone \ud800", "lone \\ud800"),
        ("👩\u200d🚀 Übersee 東京", "👩\u200d🚀 Übersee 東京"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_nothing_that_a_terminal_obeys_gets_through(given: str, shown: str) -> None:
    assert safe(given) == shown


def test_lines_of_sql_stay_lines() -> None:
    assert safe_lines("SELECT 1;\n\tDROP\x07") == "SELECT 1;\n    DROP\\x07"


def test_columns_are_aligned_by_the_width_that_a_terminal_gives_them() -> None:
    lines = table(("Name", "Exchange"), [("東京", "bybit"), ("a", "okx")]).splitlines()
    assert lines == ["Name  Exchange", "東京  bybit", "a     okx"]


def test_pairs_and_counts() -> None:
    assert pairs([("A", 1), ("Long", "x\ty")]) == "A     1\nLong  x\\x09y"
    assert pairs([("Note", ("one", "", "tw\x1bo")), ("B", ())]) == "Note  one\n\n      tw\\x1bo\nB"
    assert (count(1, "connection"), count(1234, "connection")) == ("1 connection", "1,234 connections")


def test_json_is_ascii_and_the_problem_is_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem(Category.CORRUPT, "Damaged.", "Restore it.", "detail stays inside")
    write_result(Result({"name": "Ü\u202e"}, "text", 1, problem), as_json=True)
    out, err = capsys.readouterr()
    assert out.isascii()
    assert json.loads(out) == {"name": "Ü\u202e"}
    assert json.loads(err) == {"category": "CORRUPT", "text": "Damaged.", "solution": "Restore it."}


def test_a_problem_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    write_problem(Problem(Category.BUSY, "Held\x1b[2J.", "Wait."), as_json=False)
    assert capsys.readouterr().err == "BUSY: Held\\x1b[2J. Wait.\n"


def test_a_terminal_that_knows_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    write_result(Result({}, "Übersee"), as_json=False)
    assert stream.buffer.getvalue() == b"\\xdcbersee\n"


def test_without_any_standard_output_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    write_result(Result({}, "text"), as_json=False)
