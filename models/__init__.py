"""What the program talks about: pure values that import nothing of ours.

Nothing is re-exported here: `models.tables` imports Peewee, and a window that wants to paint first must not.
"""

VERSION = "0.1.0"
"""The program's version; written to the ledger with every migration. pyproject.toml says the same (a test checks)."""
