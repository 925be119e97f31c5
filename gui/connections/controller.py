"""Between the Connections page and the services: wishes become calls on workers, their results signals."""

import contextlib
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.connections.actions import ConnectionActions
from gui.connections.order_index import OrderIndex
from gui.connections.transfers import Transfers
from gui.shell import Shell
from models.problem import Category, ConflictError, CtsError, InputError, Problem, StoreError, VaultError

if TYPE_CHECKING:
    from gui.connections.dialog import ConnectionDialog
    from gui.vault_asking import VaultAsking
    from models.connection import Connection
    from models.event import ConnectionsChanged
    from services.connections import Saved
    from services.core import Core

_LIST = "connections: list"
REFUSED = "refused/"
"""Begins the part of this page that is the form of a refused change; its operation's id follows."""
_MANY = 20_000
"""Rows from which on a new order is arranged on a thread, so that the window does not wait for it."""
_AT_ONCE = 200
"""More changed rows than this make the list anew, on a thread: putting 10,000 into it would stop the window."""


class ConnectionsController(QObject):
    """`listed` carries an OrderIndex, `changed` rows and ids that are gone, `arranged` (column, descending, order,
    version), `record_read` (Connection, key ending), `stored` the ids to select, `form_ready` (Connection or None, key
    ending or None, RejectedChange or None); `failed` is why there is no list.
    """

    listed = Signal(object)
    failed = Signal(object)
    changed = Signal(object, object)
    arranged = Signal(str, bool, object, int)
    record_read = Signal(object, object)
    stored = Signal(object)
    form_ready = Signal(object, object, object)
    busy_changed = Signal(bool)

    def __init__(self, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell = shell
        self._tasks = shell.tasks
        self._core: Core | None = None
        self._asking: VaultAsking | None = None
        self._late: list[ConnectionsChanged] = []
        self.actions = ConnectionActions(shell, lambda: self.core, self)
        self.transfers = Transfers(shell, lambda: self.core, self.vault_asking, self)
        self.actions.stored.connect(self.stored)
        self.transfers.imported.connect(self.reload)

    @property
    def ready(self) -> bool:
        return self._core is not None

    def attach(self, core: "Core") -> None:
        self._core = core
        self._shell.bridge.connections_changed.connect(self._take_change)

    def reload(self) -> None:
        """Read the whole list again."""
        if self._core is not None:
            self._late.clear()
            self._tasks.start(_LIST, self._read(), busy=self.busy_changed.emit, failed=self.failed.emit)

    def arrange(self, index: OrderIndex, column: str, *, descending: bool) -> None:
        """Order a list; a long one on a thread, where there are any yet."""
        if self._core is None or len(index) < _MANY:
            order = index.arrange(column, descending=descending)
            self.arranged.emit(column, descending, order, index.version)
        else:
            self._tasks.start("connections: order", self._arrange(index, column, descending=descending))

    def show_record(self, connection_id: str) -> None:
        if self._core is not None:
            self._tasks.start(
                "connections: record", self._read_record(connection_id), failed=_ignore_missing(self._shell)
            )

    def edit(self, connection_id: str) -> None:
        """Read a record for a form; `form_ready` opens it."""
        self._tasks.start("connections: form", self._read_for_form(connection_id))

    def try_again(self, op_id: str) -> None:
        """Read a refused change for a form; `form_ready` opens it."""
        self._tasks.start("connections: form", self._read_refused(op_id))

    def save(self, form: "ConnectionDialog") -> None:
        """Store what a form says; whatever goes wrong, the form stays as it is and shows it."""
        name = f"connections: save {id(form)}"
        self._tasks.start(name, self._save(form), busy=form.set_busy, failed=form.show_problem)

    @property
    def core(self) -> "Core":
        assert self._core is not None
        return self._core

    def _take_change(self, event: "ConnectionsChanged") -> None:
        if event.everything or len(event.changed) + len(event.removed) > _AT_ONCE:
            self.reload()
            return
        if self._tasks.is_running(_LIST):
            # The list that is being read may be older than this change.
            self._late.append(event)
        self.changed.emit(event.changed, event.removed)

    async def _read(self) -> None:
        core = self.core
        index = await self._tasks.read(lambda: OrderIndex(core.connections.rows()))
        self.listed.emit(index)
        late, self._late = self._late, []
        for event in late:
            known = ((row, index.row(row.id)) for row in event.changed)
            newer = tuple(row for row, listed in known if listed is None or listed.revision <= row.revision)
            self.changed.emit(newer, event.removed)

    async def _arrange(self, index: OrderIndex, column: str, *, descending: bool) -> None:
        version = index.version
        order = await self._tasks.read(index.arrange, column, descending=descending)
        self.arranged.emit(column, descending, order, version)

    async def _read_record(self, connection_id: str) -> None:
        connection, ending = await self._tasks.read(_record, self.core, connection_id)
        self.record_read.emit(connection, ending)

    async def _read_for_form(self, connection_id: str) -> None:
        connection, ending = await self._tasks.read(_record, self.core, connection_id)
        self.form_ready.emit(connection, ending, None)

    async def _read_refused(self, op_id: str) -> None:
        refused = await self._tasks.read(self.core.changes.refused, op_id)
        try:
            connection, ending = await self._tasks.read(_record, self.core, refused.connection_id)
        except StoreError as error:
            if error.problem.category is not Category.NOT_FOUND:
                raise
            # It never came into the list, or is deleted: it becomes a new one.
            connection, ending = None, None
        self.form_ready.emit(connection, ending, refused)

    def vault_asking(self) -> "VaultAsking":
        """Return what asks for a passphrase right where saving needs one, and then goes on."""
        from gui.vault_asking import VaultAsking

        self._asking = self._asking or VaultAsking(self._shell, lambda: self.core, self)
        return self._asking

    async def _show_conflict(self, form: "ConnectionDialog", error: ConflictError) -> None:
        """Give the form the record as it is now and what conflicts; what was typed stays."""
        assert form.base is not None
        connection = await self._tasks.read(self.core.connections.get, form.base.id)
        form.show_conflicts(error.conflicts, connection, self._shell.theme)

    async def _store(self, form: "ConnectionDialog") -> "Saved":
        """Store what a form says; what was refused before and is tried again here is forgotten then."""
        service, base, fields = self.core.connections, form.base, form.fields()
        if base is None:
            saved = await self._tasks.write(service.add, fields)
        else:
            saved = await self._tasks.write(service.edit, base.id, fields, base=base)
        if form.refused is not None:
            with contextlib.suppress(StoreError):
                # Somebody may have dismissed it meanwhile.
                await self._tasks.write(self.core.changes.dismiss, form.refused.op_id)
        return saved

    async def _save(self, form: "ConnectionDialog") -> None:
        from models.connection import CREDENTIALS
        from models.connection_rules import validate

        base, asking = form.base, self.vault_asking()
        try:
            fields = form.fields()
            if any(fields.get(name) for name in CREDENTIALS):
                # What is wrong in the form comes first: nobody should set a passphrase for what is then refused.
                validate(fields, base)
                if await asking.asks_first(lambda: self.save(form), form):
                    return
            saved = await self._store(form)
        except VaultError as error:
            if not asking.ask(error.problem, lambda: self.save(form), form):
                raise
            form.show_problem(error.problem)
            return
        except ConflictError as error:
            if not error.conflicts:
                raise
            await self._show_conflict(form, error)
            return
        except (InputError, StoreError) as error:
            errors = _by_field(error)
            if not errors:
                raise
            form.show_errors(errors)
            return
        form.saved()
        self.stored.emit([saved.row.id])
        word = "Added" if base is None else "Saved"
        if saved.advice:
            self._shell.messages.say(f"{word} “{saved.row.name}”.", level="warning", solution=" ".join(saved.advice))
        else:
            self._shell.messages.say(f"{word} “{saved.row.name}”.", level="ok")


def _by_field(error: InputError | StoreError) -> dict[str, str]:
    """Return what is wrong by the form's fields; nothing where no field is at fault."""
    from models.connection_rules import InvalidFieldsError

    if isinstance(error, InvalidFieldsError):
        return dict(error.errors)
    problem = error.problem
    if isinstance(error, InputError):
        return {error.field: str(error)} if error.field else {}
    # Only the store can tell that a name is another connection's.
    taken = problem.category is Category.CONSTRAINT and problem.detail == "name"
    return {"name": f"{problem.text} {problem.solution}"} if taken else {}


def _record(core: "Core", connection_id: str) -> "tuple[Connection, str | None]":
    """Read a record and the end of its key; a key that cannot be opened is no reason to show nothing."""
    connection = core.connections.get(connection_id)
    try:
        return connection, core.connections.key_ending(connection_id)
    except CtsError:
        return connection, None


def _ignore_missing(shell: Shell) -> Any:
    """Return what to do with a problem of the detail pane: a record deleted meanwhile is dropped quietly."""

    def show(problem: Problem) -> None:
        if problem.category is not Category.NOT_FOUND:
            shell.messages.problem(problem)

    return show
