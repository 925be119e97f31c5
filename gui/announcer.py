"""Says in the message bar, once, what the store tells; and takes it away again when it is over."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.shell import Shell
from gui.widgets.message_bar import MessageBar

if TYPE_CHECKING:
    from gui.messages import Action
    from models.event import Notice, StepFinished, StoreChanged, VaultChanged
    from models.problem import Problem
    from models.status import StoreStatus


class Announcer(QObject):
    """Listens from its beginning to its end."""

    def __init__(self, shell: Shell, bar: MessageBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell, self._bar = shell, bar
        self._store: StoreStatus | None = None
        # How the problems of the store that were told begin.
        self._told: set[str] = set()
        # What was said of conflicts and refusals, which somebody may settle on any desktop.
        self._to_settle: set[str] = set()
        shell.bridge.notice.connect(self._show)
        shell.bridge.store_changed.connect(self._follow)
        shell.bridge.vault_changed.connect(self._forget_lock)
        shell.bridge.step_finished.connect(self._tell_take_over)

    def tell_all(self, problems: "Sequence[Problem]", store: "StoreStatus") -> None:
        """Say what a start met, but not why nothing can be changed: that stands above the list as long as it is so."""
        from models.status import StoreState

        read_only = store.problem if store.state is StoreState.READ_ONLY else None
        for problem in problems:
            if problem != read_only:
                self.tell(problem)

    def tell(self, problem: "Problem") -> None:
        """Say what a start met. Where a button leads to what can be done, that is told there and not twice."""
        messages, action = self._shell.messages, self._remedy(problem)
        if action is None:
            messages.problem(problem, level="warning")
        else:
            detail = f"{problem.category.value} {problem.detail}".strip()
            messages.say(problem.text, level="warning", detail=detail, action=action)

    def _remedy(self, problem: "Problem") -> "Action | None":
        """Return the button that leads to where a problem is mended, where there is such a place."""
        from models.problem import Category

        go_to = self._shell.go_to
        if problem.category in {Category.LOCKED, Category.PASSPHRASE}:
            return "Open Settings", lambda: go_to("settings/vault")
        if problem.category is Category.KEYRING:
            return "Set a passphrase…", lambda: go_to("settings/passphrase")
        if problem.category in {Category.MIGRATION, Category.SCHEMA, Category.EMPTY_DB, Category.FENCE}:
            return "Open Database page", lambda: go_to("database")
        return None

    def _forget_lock(self, event: "VaultChanged") -> None:
        """Nobody has to dismiss that the vault is locked once it is open, or where its key was once it has moved."""
        if not event.status.locked:
            self._bar.withdraw({"The vault is locked"})
        if event.status.holder != "file":
            self._bar.withdraw({"This system has no keyring"})

    def _show(self, event: "Notice") -> None:
        problem, store, say = event.problem, self._store, self._shell.messages.say
        if problem is not None:
            # What the notice says already is not said again.
            solution = "" if problem.solution in event.text else problem.solution
            detail = f"{problem.category.value} {problem.detail}".strip()
            say(event.text, level=event.level, solution=solution, detail=detail, action=self._remedy(problem))
        elif event.level == "warning" and store is not None and (store.conflicts or store.rejected):
            part = "conflicts" if store.conflicts else "rejected"
            self._to_settle.add(event.text)
            say(
                event.text,
                level=event.level,
                action=("Open Database page", lambda: self._shell.go_to(f"database/{part}")),
            )
        else:
            say(event.text, level=event.level)

    def _tell_take_over(self, event: "StepFinished") -> None:
        """Say what came over from CTS v3.1, at the one start that takes it over."""
        step = event.step
        if step.step != "take-over" or not step.ok:
            return
        from models.status import NOTHING_TO_TAKE_OVER

        if step.detail != NOTHING_TO_TAKE_OVER:
            self._shell.messages.say(
                f"{step.detail}.",
                level="warning",
                solution="The Database page says what was left out and why, and offers to scrub the secrets in clear.",
                action=("Open Database page", lambda: self._shell.go_to("database")),
            )

    def _follow(self, event: "StoreChanged") -> None:
        """Once the database is back, nobody has to dismiss the words that said it was away."""
        status = self._store = event.status
        if status.problem is not None:
            self._told.add(status.problem.text)
        elif self._told:
            self._bar.withdraw(self._told)
            self._told.clear()
        if self._to_settle and not (status.conflicts or status.rejected):
            self._bar.withdraw(self._to_settle)
            self._to_settle.clear()
