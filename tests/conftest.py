"""What every test shares: an offscreen Qt, no system keyring, a data folder of its own."""

import os
from collections.abc import Generator, Iterator
from contextlib import nullcontext

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from tests import rights
from tests.leaks import nothing_is_left_running

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.pop("CTS_DATA_DIR", None)
os.environ.pop("DATABASE_URL", None)
os.environ.pop("CTS_PASSPHRASE_FILE", None)
# A developer's own keyring is never written to; the tests that need one bring their own backend.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# A loaded machine is no fault of an example. In CI the examples are the same for the same commit.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("house")

pytest_plugins = ["tests.suite_canary", "tests.postgres", "tests.loop_watch"]


@pytest.fixture(autouse=True)
def _nothing_is_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    # Elsewhere programs are killed, stuck and left to themselves on purpose.
    with nothing_is_left_running() if "qapp" in request.fixturenames else nullcontext():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let what a test logged travel between test processes (a lone surrogate in it could not), and what stood in."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    report.user_properties += [(rights.PROPERTY, text) for text in rights.what_stood_in()]
    return report


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name the faults that were not the real ones: nobody may take them for tested."""
    reports = [report for kind in ("passed", "failed", "error") for report in terminalreporter.stats.get(kind, [])]
    lines = rights.in_words(
        (str(text), report.nodeid)
        for report in reports
        for key, text in report.user_properties
        if key == rights.PROPERTY
    )
    if lines:
        terminalreporter.section("faults that this machine does not let us inject")
        for line in lines:
            terminalreporter.write_line(line)
