"""Connections in JSON files: the mirror while a database is there, the truth while it is away."""
