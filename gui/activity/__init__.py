"""The Activity page: the start-up report and the live log."""
