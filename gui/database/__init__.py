"""The Database page: what the store is, its migrations, its backups, what came over from CTS v3.1."""
