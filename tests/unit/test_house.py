"""The house keeps its own rules: sizes, names, version, lock files."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import VERSION

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("main.py", "gui", "models", "storage", "exchanges", "services")
FILE_CAP, TEST_FILE_CAP, FUNCTION_CAP, METHOD_CAP = 500, 600, 50, 20


def python_files() -> list[Path]:
    folders = [ROOT / name for name in (*PRODUCT, "tests", "benchmarks", "packaging", "docs")]
    return sorted(path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*.py")))


def definitions(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes_stay_under_their_caps(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= (TEST_FILE_CAP if path.is_relative_to(ROOT / "tests") else FILE_CAP)
    for node in definitions(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno < FUNCTION_CAP, f"{node.name} is too long"
        if isinstance(node, ast.ClassDef) and not path.is_relative_to(ROOT / "tests"):
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert len(methods) <= METHOD_CAP, f"{node.name} has {len(methods)} methods"


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_why_it_exists(path: Path) -> None:
    if path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip():
        return
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_only_the_given_packages_hold_product_code() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/*.py")}
    assert packages <= {"gui", "models", "storage", "exchanges", "services", "tests", "benchmarks", "packaging", "docs"}


def test_pyproject_and_program_agree_on_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_locks_pin_with_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][^ ]*", text, re.MULTILINE)
    assert pins
    assert all("==" in pin for pin in pins)
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_pyside_is_held_below_the_version_that_frees_none() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "PySide6-Essentials>=6.8,<6.12" in project["dependencies"]
