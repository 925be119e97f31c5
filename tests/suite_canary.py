"""The canary of the whole suite: no byte that any test, server or program of a run wrote may hold one of its secrets.

Every secret that `make_canary` gives begins with the same random stem, one for each run. At the end of the run the stem
is searched for, in every form, in everything under the run's temporary folder and in what the tests printed and logged;
servers look through their own folder before it goes, and programs are looked through as they end. What a test itself
writes into a file for the program to read is no leak: it comes from `make_canary(written=True)`.
"""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.canary import Finding, canaries_in, canaries_under, stem

_FINDINGS = "CTS_TEST_FINDINGS"
_reported: list[Finding] = []


def look_into(where: str, data: bytes) -> None:
    """Look through what a program said; a finding fails the test that ran it."""
    assert canaries_in(data, [stem()], where=where) == []


def look_under(folder: Path) -> None:
    """Look through a folder that is about to go; a finding fails the run."""
    found = canaries_under(folder, [stem()])
    if found and (report := os.environ.get(_FINDINGS)):
        with open(report, "a", encoding="utf-8") as file:
            file.writelines(f"{finding}\n" for finding in found)


def pytest_configure(config: pytest.Config) -> None:
    # The workers inherit both: the stem is that of the whole run.
    os.environ["CTS_TEST_STEM"] = stem()
    if not hasattr(config, "workerinput"):
        descriptor, os.environ[_FINDINGS] = tempfile.mkstemp(prefix="cts-findings-")
        os.close(descriptor)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, text in report.sections:
        _reported.extend(canaries_in(text.encode(errors="replace"), [stem()], where=f"{report.nodeid}: {name}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Search once every worker has ended."""
    yield
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    report = Path(os.environ.pop(_FINDINGS))
    found = [*map(str, dict.fromkeys(_reported)), *report.read_text("utf-8").splitlines()]
    report.unlink()
    # The same way on which xdist gives every worker a folder below this one.
    found += map(str, canaries_under(config._tmp_path_factory.getbasetemp(), [stem()]))  # type: ignore[attr-defined]
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        for line in ("", f"Secrets of this run were written in clear ({len(found)}):", *found[:40]):
            if terminal is not None:
                terminal.write_line(line)
