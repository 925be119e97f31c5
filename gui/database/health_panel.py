"""How the database is doing: its latency as a plot, and the figures beside it. Asks only while somebody looks."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from gui.figures import UNKNOWN, count_text, size_text
from gui.theme import Theme
from gui.widgets.labels import PlainLabel
from gui.widgets.sparkline import Sparkline
from models.health import HealthReport
from models.problem import Problem

_EVERY = 2_000
_FIELDS = ("Latency", "Server", "Role", "Size", "Pool", "Connections", "Integrity", "Mirror", "Waiting")
_ROLES = {
    "primary": "Primary",
    "standby": "Standby: it can only be read",
    "embedded": "Embedded in this program",
}
_BUSY = 0.85


class HealthPanel(QWidget):
    """`wanted` comes every two seconds while the panel can be seen."""

    wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.plot = Sparkline(theme, "Latency")
        self.problem = PlainLabel(tone="warning", wrap=True, selectable=True)
        self.problem.hide()
        self._values = {field: PlainLabel(UNKNOWN, wrap=True, selectable=True) for field in _FIELDS}
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        half = (len(_FIELDS) + 1) // 2
        for number, field in enumerate(_FIELDS):
            row, column = number % half, number // half * 2
            grid.addWidget(PlainLabel(field, tone="muted"), row, column)
            grid.addWidget(self._values[field], row, column + 1)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.setSpacing(12)
        column_layout.addWidget(self.problem)
        column_layout.addWidget(PlainLabel("Latency of the smallest question, in milliseconds", tone="muted"))
        column_layout.addWidget(self.plot)
        column_layout.addLayout(grid)
        column_layout.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self.wanted)

    def show_health(self, report: HealthReport) -> None:
        self.problem.hide()
        self.plot.show_samples(report.samples, report.latency_p50_ms, report.latency_p95_ms)
        last = report.samples[-1] if report.samples else None
        told = (("last", last), ("p50", report.latency_p50_ms), ("p95", report.latency_p95_ms))
        self._set("Latency", ", ".join(f"{word} {value:.1f} ms" for word, value in told if value is not None))
        self._set("Server", report.server_version)
        self._set("Role", _ROLES.get(report.role, report.role), "warning" if report.role == "standby" else "")
        self._set("Size", size_text(report.size_bytes))
        self._set("Pool", f"{report.pool_used} of {report.pool_max} sessions open" if report.pool_max else "")
        self._set("Connections", *_connections(report.connections_used, report.connections_max))
        good = report.integrity.lower() == "ok"
        text = "✓ No damage found" if good else f"✕ {report.integrity}" if report.integrity else "Not checked yet"
        self._set("Integrity", text, "ok" if good else "error" if report.integrity else "muted")
        lag = report.mirror_lag
        self._set("Mirror", f"{count_text(lag, 'record')} behind" if lag else "✓ Up to date", "" if lag else "ok")
        self._set("Waiting", count_text(report.waiting, "change") if report.waiting else "Nothing")

    def show_problem(self, problem: Problem) -> None:
        """Say why there are no figures now; the last ones stay, greyed by this line."""
        self.problem.setText(f"{problem.text} {problem.solution}".strip())
        self.problem.show()

    def value(self, field: str) -> str:
        return self._values[field].text()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.wanted.emit()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _set(self, field: str, text: str, tone: str = "") -> None:
        label = self._values[field]
        label.setText(text or UNKNOWN)
        label.set_tone(tone)
        label.setAccessibleName(f"{field}: {text or 'not known'}")


def _connections(used: int | None, most: int | None) -> tuple[str, str]:
    """Say how many of the server's connections are used by everybody; nearly all of them is a warning."""
    if used is None or not most:
        return "", ""
    return f"{used:,} of {most:,} used by everybody", "warning" if used >= most * _BUSY else ""
