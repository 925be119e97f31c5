"""The migration engine: numbered SQL files, a ledger table, SQLite and PostgreSQL alike.

Not a library, because the contract is plain .sql files with checksums, states and locks that a person can see. It is
small parts: statements (split SQL), files (find and read), plan (pure), session (a driver's raw connection), ledger
(the tables `migrations` and `migration_failures`), runner (apply), rehearsal and repair.
"""
