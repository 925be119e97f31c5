"""PostgreSQL as a store: its address, sessions with deadlines, and what a failure really was."""
