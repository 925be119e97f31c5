"""The program without a window: start-up, connections, transfer, commands."""
