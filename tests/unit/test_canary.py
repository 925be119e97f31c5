"""The canary search itself: a search that finds nothing because it cannot would make every other test worthless."""

import base64
import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canary import canaries_in, canaries_under, make_canary
from tests.faults.real_faults import ROOT

WAYS: dict[str, Callable[[str], bytes]] = {
    "text": lambda value: value.encode(),
    "utf-16": lambda value: value.encode("utf-16"),
    "hex": lambda value: value.encode().hex().encode(),
    "json": lambda value: json.dumps({"a": value}).encode(),
    "repr": lambda value: repr({"a": value}).encode(),
    "url": lambda value: quote(value, safe="").encode(),
    "base64": lambda value: base64.b64encode(b"user:" + value.encode() + b"!"),
    "base64 of base64 alignments": lambda value: base64.urlsafe_b64encode(b"1234567" + value.encode()),
    "base64 alone": lambda value: base64.b64encode(value.encode()),
}


@pytest.mark.parametrize("awkward", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_canary_is_found_in_every_form(way: str, awkward: bool) -> None:
    canary = make_canary(awkward=awkward, written=True)
    assert canaries_in(b"before " + WAYS[way](canary) + b" after", [make_canary(written=True), canary])
    assert not canaries_in(WAYS[way](make_canary(awkward=awkward, written=True)), [canary])


def test_files_names_links_and_archives_are_searched(tmp_path: Path) -> None:
    canary = make_canary(written=True)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.bin").write_bytes(b"\0" * 70_000 + canary.encode())
    (tmp_path / canary).touch()
    (tmp_path / "link").symlink_to("/nowhere/" + canary)
    (tmp_path / "log.gz").write_bytes(gzip.compress(canary.encode() * 9))
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", json.dumps([canary] * 9))
    places = " ".join(finding.where for finding in canaries_under(tmp_path, [canary]))
    for expected in ("file.bin", "the name of", "the target of", "log.gz!gzip", "bundle.zip!report.json"):
        assert expected in places


def test_a_path_can_be_left_out(tmp_path: Path) -> None:
    canary = make_canary(written=True)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "old.json").write_text(canary)
    assert canaries_under(tmp_path, [canary])
    assert not canaries_under(tmp_path, [canary], without=[tmp_path / "source"])


# Each writes one canary where no test looks: only the search at the end of the run can find it.
_LEAKS = {
    "file": "(tmp_path / 'deep').mkdir(); (tmp_path / 'deep' / 'a.bin').write_bytes(b'x' * 9 + make_canary().encode())",
    "gzip": "(tmp_path / 'log.gz').write_bytes(__import__('gzip').compress(make_canary(awkward=True).encode()))",
    "output": "print(make_canary())",
    "error": "import sys; sys.stderr.write(repr(make_canary(awkward=True)))",
    "log": "import logging; logging.getLogger('peewee').warning('bound %s', make_canary())",
    "server": "(tmp_path / 'pg').mkdir(); (tmp_path / 'pg' / 'log').write_text(make_canary());"
    " look_under(tmp_path / 'pg'); __import__('shutil').rmtree(tmp_path / 'pg')",
}
_HARMLESS = "(tmp_path / 'words').write_text(make_canary(written=True)); len(make_canary())"


def _inner_run(folder: Path, statements: Iterable[str], *options: str) -> "subprocess.CompletedProcess[str]":
    folder.mkdir()
    lines = ["from tests.canary import make_canary", "from tests.suite_canary import look_under"]
    for number, statement in enumerate(statements):
        lines += [f"def test_{number}(tmp_path):", f"    {statement}"]
    (folder / "test_it.py").write_text("\n".join(lines))
    # A stem of its own: what leaks in there on purpose is no leak of this run.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CTS_TEST", "PYTEST"))}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.suite_canary", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, f"--basetemp={folder / 'inner'}", f"--rootdir={folder}", *options, str(folder / "test_it.py")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_run_with_leaks_fails_and_says_where(tmp_path: Path) -> None:
    done = _inner_run(tmp_path / "run", _LEAKS.values())
    assert f"{len(_LEAKS)} passed" in done.stdout, done.stdout + done.stderr
    assert f"Secrets of this run were written in clear ({len(_LEAKS)}):" in done.stdout
    for where in ("a.bin", "log.gz!gzip", "Captured stdout", "Captured stderr", "Captured log", "pg/log"):
        assert where in done.stdout
    assert done.returncode == 1


def test_a_leak_in_a_worker_of_the_run_is_found_and_a_clean_run_passes(tmp_path: Path) -> None:
    for name, statement, code in (("leaks", _LEAKS["file"], 1), ("clean", _HARMLESS, 0)):
        done = _inner_run(tmp_path / name, [statement], "-p", "xdist.plugin", "-n", "1")
        assert done.returncode == code, done.stdout + done.stderr
