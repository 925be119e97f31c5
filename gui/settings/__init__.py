"""The Settings page: data folder, appearance, log, backups, vault."""
