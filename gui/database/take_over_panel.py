"""What came over from a CTS v3.1 folder, what did not, and where secrets are still in clear."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.database import take_over_words as words
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.containers import clear_layout
from gui.widgets.labels import PlainLabel, section_title
from gui.widgets.pill import Pill
from models.status import TakeOver

_LISTED, _BETWEEN = 5, 6


class TakeOverPanel(QWidget):
    """Hidden until there is a report. Emits `scrub_wanted`."""

    scrub_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._report: TakeOver | None = None
        self._blocked = ""
        self.pill = Pill(theme)
        self.headline = PlainLabel(wrap=True, selectable=True)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(2)
        self.plaintext = PlainLabel(wrap=True, selectable=True)
        self._places = QVBoxLayout()
        self._places.setSpacing(4)
        self.scrub = Button("Scrub plaintext secrets…", self.scrub_wanted.emit, tone="danger")
        self.reason = PlainLabel(tone="muted", wrap=True)
        self.result = PlainLabel(wrap=True, selectable=True, tone="ok")
        self.result.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addWidget(section_title("From CTS v3.1"))
        column.addWidget(self.pill)
        column.addWidget(self.headline)
        column.addLayout(self._lines)
        column.addWidget(self.plaintext)
        column.addLayout(self._places)
        for part in (self.scrub, self.reason, self.result):
            column.addWidget(part)
        self.hide()

    def show_report(self, report: TakeOver | None) -> None:
        self._report = report
        self.setVisible(report is not None)
        if report is None:
            return
        self.pill.set(*(("! Secrets in clear", "warning") if report.plaintext else ("✓ Taken over", "ok")))
        self.headline.setText(words.headline(report))
        clear_layout(self._lines)
        self._list(self._lines, "From", [report.source])
        self._list(
            self._lines,
            "Kept tables (named legacy_…)",
            [words.tables_line(report)] if words.tables_line(report) else [],
        )
        self._list(self._lines, "Renamed", words.renamed_lines(report))
        self._list(self._lines, "Left out", words.skipped_lines(report))
        self._list(self._lines, "Backup made before", [report.backup] if report.backup else [])
        self.plaintext.setText(words.plaintext_line(report))
        self.plaintext.set_tone("warning" if report.plaintext else "muted")
        clear_layout(self._places)
        self._list(self._places, "", report.plaintext)
        self.set_reason(self._blocked)

    def set_reason(self, blocked: str) -> None:
        """Say why scrubbing cannot run now, or enable it; without anything to scrub there is no button."""
        self._blocked = blocked
        there = self._report is not None and bool(self._report.plaintext)
        self.scrub.setVisible(there)
        self.scrub.set_reason(blocked)
        self.reason.setText(blocked)
        self.reason.setVisible(there and bool(blocked))

    def show_result(self, text: str) -> None:
        self.result.setText(text)
        self.result.setVisible(bool(text))

    @staticmethod
    def _list(layout: QVBoxLayout, heading: str, lines: Sequence[str]) -> None:
        if heading and lines:
            if layout.count():
                layout.addSpacing(_BETWEEN)
            layout.addWidget(PlainLabel(heading, tone="muted"))
        for line in lines[:_LISTED]:
            layout.addWidget(PlainLabel(line, wrap=True, selectable=True))
        if len(lines) > _LISTED:
            rest = PlainLabel(
                f"… and {len(lines) - _LISTED:,} more; the command `legacy report` lists them all.",
                tone="muted",
                wrap=True,
            )
            layout.addWidget(rest)
