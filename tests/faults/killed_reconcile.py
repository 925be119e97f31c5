"""A desktop killed at the n-th step of sending what waited: `python -m tests.faults.killed_reconcile DATA URL N`."""

import os
import signal
import sys
from pathlib import Path

import storage.reconcile
from models.secret import Secret
from models.status import Backend
from storage.postgresql.address import parse_address
from storage.target import Target
from tests.store_kit import Kit


def main() -> None:
    root, url, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    left = step

    def hook(_step: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    storage.reconcile.BATCH = 2  # type: ignore[misc]
    target = Target(Backend.POSTGRESQL, parse_address(url))
    kit = Kit(root, fresh=True, device="killed", target=lambda: target, hook=hook, passphrase=lambda: Secret("words"))
    print(kit.state().value, kit.store.status.waiting)
    kit.store.close()


if __name__ == "__main__":
    main()
