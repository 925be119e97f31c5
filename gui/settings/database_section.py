"""Where the records are: in the data folder, or in a PostgreSQL that is filled in, tried and saved here."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.choice import Choice, Number
from gui.widgets.form import FormField, SecretEdit
from gui.widgets.labels import PlainLabel
from models.database_form import DEFAULT_PORT, TLS_MODES, DatabaseForm
from models.secret import Secret

if TYPE_CHECKING:
    from models.database_form import DatabaseSettings, TestedDatabase
    from models.problem import Problem

_TLS = {
    "disable": "Never encrypted. Only for a server on this computer or in a network that nobody else uses.",
    "allow": "Encrypted only where the server insists.",
    "prefer": "Encrypted where the server can; nobody checks that it is the right server.",
    "require": "Always encrypted; nobody checks that it is the right server.",
    "verify-ca": "Always encrypted, and the server's certificate must come from the root certificate below.",
    "verify-full": "Always encrypted, and the certificate must be that of this very host. The safest.",
}
_CHECKING = {"verify-ca", "verify-full"}
_SOURCES = {
    "": "The records are in the data folder (SQLite). Fill in a PostgreSQL to share them between desktops.",
    "settings": "The records are in this PostgreSQL: {location}.",
    "DATABASE_URL": "DATABASE_URL in the environment decides: {location}. What is saved here holds once it is gone.",
    "USE_FILE_STORAGE": "USE_FILE_STORAGE in the environment decides: the JSON files are used. What is saved here "
    "holds once it is gone.",
}


class DatabaseSection(QWidget):
    """Emits `test_wanted` and `save_wanted` with the DatabaseForm, `clear_wanted`, and `move_wanted`."""

    test_wanted = Signal(object)
    save_wanted = Signal(object)
    clear_wanted = Signal()
    move_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._shown: DatabaseSettings | None = None
        self.source = PlainLabel(wrap=True, selectable=True)
        self.host, self.database, self.user = (_line() for _ in range(3))
        self.port = Number("Port", 1, 65_535)
        self.port.set_value(DEFAULT_PORT)
        self.password = SecretEdit(hidden=True)
        self.tls = Choice("TLS", [(mode, mode) for mode in TLS_MODES])
        self.certificate = _line()
        self.certificate.setAccessibleName("Root certificate file")
        self.choose = Button("Choose…", self._choose_file)
        self.choose.setAccessibleName("Choose the root certificate")
        self.fields = self._make_fields()
        self.test = Button("Test", lambda: self.test_wanted.emit(self.form()), hint="Try it; nothing is changed.")
        self.save = Button("Save and use", lambda: self.save_wanted.emit(self.form()), tone="primary")
        self.clear = Button("Use the data folder again…", self.clear_wanted.emit)
        self.move_records = Button("Move the records…", self.move_wanted.emit, hint="Copy them to another database.")
        self.result = PlainLabel(wrap=True, selectable=True)
        self.result.hide()
        self._lay_out()
        self.tls.picked.connect(lambda _mode: self._follow_tls())
        self._follow_tls()

    def form(self) -> DatabaseForm:
        """Return what is filled in; None as its password means the one that is kept."""
        secret = Secret(self.password.value() or "") if self.password.given() else None
        certificate = self.certificate.text() if self.tls.value in _CHECKING else ""
        return DatabaseForm(
            self.host.text(),
            self.port.value(),
            self.database.text(),
            self.user.text(),
            self.tls.value,
            certificate,
            secret,
        )

    def is_changed(self) -> bool:
        shown = self._shown
        return shown is not None and (self.password.given() or self.form()._replace(password=None) != shown.form)

    def show_settings(self, settings: "DatabaseSettings", *, keep_typed: bool = True) -> None:
        """Show what is in force; what a person is typing stays unless it was just saved."""
        typing = keep_typed and self.is_changed()
        text = _SOURCES.get(settings.source, "{location}").replace("{location}", settings.location)
        problem = settings.problem
        self.source.setText(f"{text} {problem.text} {problem.solution}".strip() if problem else text)
        self.source.set_tone("warning" if settings.fixed or problem else "muted")
        self.clear.setVisible(bool(settings.form.host) and settings.source != "DATABASE_URL")
        if typing:
            return
        self._shown = settings
        form = settings.form
        for edit, value in (
            (self.host, form.host),
            (self.database, form.database),
            (self.user, form.user),
            (self.certificate, form.root_certificate),
        ):
            edit.setText(value)
        self.port.set_value(form.port)
        self.tls.set_value(form.tls)
        self.password.input.clear()
        self.password.set_stored("set" if settings.password_set else "")
        self._follow_tls()

    def forget(self) -> None:
        """Drop what is typed and what was said of it: it is in force now, and is shown from there."""
        self._shown = None
        self._say("", "")

    def set_busy(self, busy: bool) -> None:
        parts: list[QWidget] = [*self.fields.values(), self.test, self.save, self.clear, self.move_records]
        for part in parts:
            part.setEnabled(not busy)
        if busy:
            self.show_error("", "")
            self._say("One moment: the server is being asked.", "muted")

    def show_tested(self, tested: "TestedDatabase") -> None:
        problem = tested.problem
        if problem is None:
            self._say(f"✓ {tested.sentence} It took {tested.milliseconds:,} ms.", "ok")
        else:
            self.show_problem(problem)

    def show_saved(self, sentence: str) -> None:
        self._say(f"✓ {sentence}", "ok")

    def show_problem(self, problem: "Problem") -> None:
        self._say(f"✕ {problem.text} {problem.solution}".strip(), "error")

    def show_error(self, field: str, text: str) -> None:
        """Say what is wrong at the field itself; "" takes every such word away."""
        for name, each in self.fields.items():
            each.set_error(text if name == field else "")
        if field in self.fields:
            self._say("", "")
            self.fields[field].editor.setFocus(Qt.FocusReason.OtherFocusReason)
        elif text:
            self._say(f"✕ {text}", "error")

    def _say(self, text: str, tone: str) -> None:
        self.result.setText(text)
        self.result.set_tone(tone)
        self.result.setVisible(bool(text))

    def _follow_tls(self) -> None:
        self.fields["tls"].set_hint(_TLS[self.tls.value])
        self.fields["root_certificate"].setVisible(self.tls.value in _CHECKING)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, "Root certificate")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setNameFilters(["Certificates (*.pem *.crt *.cer)", "All files (*)"])
        dialog.fileSelected.connect(self.certificate.setText)
        dialog.open()

    def _make_fields(self) -> dict[str, FormField]:
        certificate = QWidget()
        row = QHBoxLayout(certificate)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.certificate, 1)
        row.addWidget(self.choose)
        certificate.setFocusProxy(self.certificate)
        return {
            "host": FormField("Host", self.host, "Several, with commas between, for a cluster."),
            "port": FormField("Port", self.port),
            "database": FormField("Database", self.database),
            "user": FormField("User", self.user),
            "password": FormField("Password", self.password, "Kept sealed by the vault; shown to nobody again."),
            "tls": FormField("TLS", self.tls),
            "root_certificate": FormField(
                "Root certificate", certificate, "A PEM file. Empty: ~/.postgresql/root.crt, as libpq has it."
            ),
        }

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.source)
        for names in (("host", "port"), ("database", "user"), ("password",), ("tls",), ("root_certificate",)):
            row = QHBoxLayout()
            row.setSpacing(12)
            for name in names:
                row.addWidget(self.fields[name], 1 if name == "port" else 3, Qt.AlignmentFlag.AlignTop)
            column.addLayout(row)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.save, self.test, self.clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.move_records)
        column.addLayout(buttons)
        column.addWidget(self.result)


def _line() -> QLineEdit:
    edit = QLineEdit()
    edit.setMaxLength(500)
    return edit
