"""What every test shares: an offscreen Qt, no system keyring, a data folder of its own."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.pop("CTS_DATA_DIR", None)
os.environ.pop("DATABASE_URL", None)
os.environ.pop("CTS_PASSPHRASE_FILE", None)
# A developer's own keyring is never written to; the tests that need one bring their own backend.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

pytest_plugins = ["tests.postgres"]
