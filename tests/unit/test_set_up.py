"""Setting up compiles the program once, and again only after a change; it knows what a bare machine lacks."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "set_up.py"


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("set_up_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "services").mkdir()
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    return module


def test_the_program_is_compiled_where_it_changed(set_up: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "services" / "one.py"
    source.write_text("A = 1\n")
    set_up._compile()
    (compiled,) = (tmp_path / "services" / "__pycache__").iterdir()
    first = compiled.stat().st_mtime_ns
    compiled.unlink()
    set_up._compile()
    assert not compiled.exists()
    source.write_text("A = 22\n")
    os.utime(source, ns=(first, first))
    set_up._compile()
    assert compiled.exists()


def test_a_file_that_is_no_python_is_left_to_the_interpreter(set_up: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "services" / "bad.py").write_text("def (\n")
    set_up._compile()
    assert not (tmp_path / ".venv" / ".program.compiled").exists()


def test_what_takes_libraries_apart_is_missed(
    set_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "binutils" in set_up._lacking_for_the_build()
    tool = tmp_path / "objdump"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert "binutils" not in set_up._lacking_for_the_build()
