"""What every test shares: an offscreen Qt, no system keyring, a data folder of its own."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

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

pytest_plugins = ["tests.suite_canary", "tests.postgres"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let what a test logged travel between test processes: a lone surrogate in it could not."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
