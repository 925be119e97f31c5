"""Argon2id with its smallest parameters, for tests that need many passphrases and not their strength."""

import secrets

import pytest

from storage.envelope import Kdf


def make_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every new passphrase of this test be stretched in well under a millisecond, by the real function."""
    monkeypatch.setattr(Kdf, "fresh", lambda: Kdf(secrets.token_bytes(16), memory_kib=64, passes=1, lanes=1))
