"""How the window looks: colours, density and the style sheet, light or dark, following the system unless told."""

from typing import NamedTuple

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

_ROLE = QPalette.ColorRole


class Tokens(NamedTuple):
    """Every colour by what it means. `*_soft` is the background that goes with the word's own colour."""

    window: str
    panel: str
    field: str
    border: str
    line: str
    hover: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_text: str
    accent_soft: str
    ok: str
    ok_soft: str
    warning: str
    warning_soft: str
    error: str
    error_soft: str
    live: str
    live_soft: str
    neutral: str
    neutral_soft: str


LIGHT = Tokens(
    window="#ffffff",
    panel="#f5f7f9",
    field="#ffffff",
    border="#d5dae0",
    line="#e3e7ec",
    hover="#eef1f5",
    text="#1b2027",
    muted="#59636e",
    faint="#666f7a",
    accent="#1a62d2",
    accent_text="#ffffff",
    accent_soft="#e4effd",
    ok="#187733",
    ok_soft="#e2f3e6",
    warning="#8a5a00",
    warning_soft="#fdf3d8",
    error="#c4202b",
    error_soft="#fdeaeb",
    live="#7038c8",
    live_soft="#f0e8fb",
    neutral="#4f5964",
    neutral_soft="#e8ecf1",
)
DARK = Tokens(
    window="#11141a",
    panel="#1a2028",
    field="#151a21",
    border="#353e49",
    line="#2a313a",
    hover="#222a34",
    text="#e6e9ed",
    muted="#a0a9b4",
    faint="#8e98a3",
    accent="#58a6ff",
    accent_text="#0b1220",
    accent_soft="#1c2d45",
    ok="#4cc46a",
    ok_soft="#16301e",
    warning="#e0a33a",
    warning_soft="#33280f",
    error="#ff7b82",
    error_soft="#3a1b1f",
    live="#c09bff",
    live_soft="#2e2145",
    neutral="#aeb7c1",
    neutral_soft="#28303a",
)

TONES = ("ok", "warning", "error", "live", "neutral", "accent")
"""What a pill, a dot or a message may be; each has a colour and a `_soft` background."""

ROW_HEIGHTS = {"comfortable": 36, "compact": 28}


class Theme(QObject):
    """The look now. `changed` comes after colours or density changed; painters then ask again.

    `choice` is system, light or dark; `density` is comfortable or compact. Made for Qt's Fusion style. Without `sheet`,
    set_sheet() is to follow.
    """

    changed = Signal()

    def __init__(
        self, app: QApplication, choice: str = "system", density: str = "comfortable", *, sheet: bool = True
    ) -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        self.density = density
        self.tokens = LIGHT
        self._colors: dict[str, QColor] = {}
        self._sheet = False
        self._apply()
        if sheet:
            self.set_sheet()
        app.styleHints().colorSchemeChanged.connect(self._follow_system)

    @property
    def dark(self) -> bool:
        return self.tokens is DARK

    @property
    def row_height(self) -> int:
        return ROW_HEIGHTS.get(self.density, ROW_HEIGHTS["comfortable"])

    def color(self, token: str) -> QColor:
        """Return the colour of a token by its name."""
        found = self._colors.get(token)
        if found is None:
            found = self._colors[token] = QColor(getattr(self.tokens, token))
        return found

    def choose(self, choice: str, density: str) -> None:
        """Show what the settings say."""
        if (choice, density) == (self._choice, self.density):
            return
        self._choice, self.density = choice, density
        self._apply()
        self.changed.emit()

    def set_sheet(self) -> None:
        """Set the style sheet: once the widgets are built, because each that gets a parent then is styled again."""
        self._sheet = True
        self._app.setStyleSheet(_STYLE % self.tokens._asdict())

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        system_dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        dark = self._choice == "dark" or (self._choice == "system" and system_dark)
        self.tokens = DARK if dark else LIGHT
        self._colors.clear()
        self._app.setPalette(_palette(self.tokens))
        if self._sheet:
            self.set_sheet()


def scaled_font(base: QFont, factor: float = 1.0, *, bold: bool = False) -> QFont:
    """Return `base` at `factor` of its size, whether the system gave it in points or pixels."""
    font = QFont(base)
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * factor)
    else:
        font.setPixelSize(max(1, round(font.pixelSize() * factor)))
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def _palette(tokens: Tokens) -> QPalette:
    palette = QPalette()
    for role, color in (
        (_ROLE.Window, tokens.window),
        (_ROLE.WindowText, tokens.text),
        (_ROLE.Base, tokens.field),
        (_ROLE.AlternateBase, tokens.panel),
        (_ROLE.Text, tokens.text),
        (_ROLE.Button, tokens.field),
        (_ROLE.ButtonText, tokens.text),
        (_ROLE.BrightText, tokens.error),
        (_ROLE.Highlight, tokens.accent),
        (_ROLE.HighlightedText, tokens.accent_text),
        (_ROLE.Accent, tokens.accent),
        (_ROLE.Link, tokens.accent),
        (_ROLE.LinkVisited, tokens.accent),
        (_ROLE.ToolTipBase, tokens.panel),
        (_ROLE.ToolTipText, tokens.text),
        (_ROLE.PlaceholderText, tokens.faint),
        (_ROLE.Light, tokens.panel),
        (_ROLE.Midlight, tokens.line),
        (_ROLE.Mid, tokens.border),
        (_ROLE.Dark, tokens.border),
        (_ROLE.Shadow, tokens.border),
    ):
        palette.setColor(role, QColor(color))
    for role in (_ROLE.WindowText, _ROLE.Text, _ROLE.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.faint))
    return palette


_STYLE = """
QWidget[surface="panel"] { background: %(panel)s; }
QFrame[surface="line"] { background: %(line)s; }
QWidget[surface="card"] { background: %(panel)s; border: 1px solid %(line)s; border-radius: 8px; }
QFrame[surface="popup"] { background: %(window)s; border: 1px solid %(border)s; border-radius: 8px; }
QLabel[surface="notice"] { background: %(warning_soft)s; border: 1px solid %(line)s; border-radius: 6px;
  padding: 6px 10px; }
QLabel[tone="muted"] { color: %(muted)s; }
QLabel[tone="ok"] { color: %(ok)s; }
QLabel[tone="warning"] { color: %(warning)s; }
QLabel[tone="error"] { color: %(error)s; }
QLabel[tone="accent"] { color: %(accent)s; }
QLabel[role="title"] { font-size: 15pt; font-weight: 600; }
QLabel[role="heading"] { font-weight: 600; }
QPushButton { background: %(field)s; color: %(text)s; border: 1px solid %(border)s; border-radius: 6px;
  padding: 4px 11px; min-height: 18px; }
QPushButton { outline: none; }
QPushButton:hover { background: %(hover)s; }
QPushButton:pressed { background: %(line)s; }
QPushButton:disabled { color: %(faint)s; background: %(panel)s; border-color: %(line)s; }
QPushButton:focus { border: 2px solid %(accent)s; padding: 3px 10px; }
QPushButton[tone="primary"] { background: %(accent)s; color: %(accent_text)s; border-color: %(accent)s;
  font-weight: 600; }
QPushButton[tone="primary"]:hover { border-color: %(text)s; }
QPushButton[tone="primary"]:focus { border: 2px solid %(text)s; }
QPushButton[tone="primary"]:disabled { background: %(neutral_soft)s; color: %(faint)s; border-color: %(line)s; }
QPushButton[tone="danger"] { color: %(error)s; }
QPushButton[tone="danger"]:disabled { color: %(faint)s; }
QPushButton[tone="chip"] { background: %(neutral_soft)s; color: %(neutral)s; border: 1px solid %(neutral_soft)s;
  border-radius: 11px; padding: 1px 10px; }
QPushButton[tone="chip"]:hover { border-color: %(border)s; }
QPushButton[tone="chip"]:focus { border: 1px solid %(accent)s; }
QPushButton[tone="chip"][active="true"] { background: %(accent_soft)s; color: %(accent)s; font-weight: 600; }
QPushButton[tone="chip"]::menu-indicator { image: none; width: 0; }
QPushButton[tone="link"] { background: transparent; border: 1px solid transparent; color: %(accent)s;
  padding: 1px 3px; }
QPushButton[tone="link"]:hover { text-decoration: underline; }
QPushButton[tone="link"]:focus { border: 1px solid %(accent)s; }
QPushButton[tone="status"] { background: transparent; border: 1px solid transparent; color: %(muted)s;
  padding: 1px 5px; }
QPushButton[tone="status"]:hover { background: %(hover)s; }
QPushButton[tone="status"]:focus { border: 1px solid %(accent)s; }
QPushButton[tone="status"][level="ok"] { color: %(ok)s; }
QPushButton[tone="status"][level="accent"] { color: %(accent)s; }
QPushButton[tone="status"][level="warning"] { color: %(warning)s; }
QPushButton[tone="status"][level="error"] { color: %(error)s; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: %(muted)s; border: none; border-bottom: 2px solid transparent;
  padding: 6px 2px; margin-right: 18px; font-weight: 600; }
QTabBar::tab:hover { color: %(text)s; }
QTabBar::tab:selected { color: %(text)s; border-bottom: 2px solid %(accent)s; }
QTabBar::tab:selected:focus { color: %(accent)s; background: %(accent_soft)s; }
QListWidget::item { border: 1px solid transparent; }
QListWidget::item:focus { border: 1px solid %(accent)s; }
QLineEdit, QPlainTextEdit { background: %(field)s; border: 1px solid %(border)s; border-radius: 6px; padding: 4px 7px;
  selection-background-color: %(accent)s; selection-color: %(accent_text)s; }
QLineEdit:focus, QPlainTextEdit:focus { border: 2px solid %(accent)s; padding: 3px 6px; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus { border: none; padding: 0 5px; background: transparent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 22px; border: none;
  background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; border-top-right-radius: 6px; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; border-bottom-right-radius: 6px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: %(hover)s; }
QAbstractSpinBox::up-arrow, QAbstractSpinBox::down-arrow { image: none; width: 0; height: 0; }
QLineEdit[wrong="true"], QPlainTextEdit[wrong="true"] { border: 2px solid %(error)s; padding: 3px 6px; }
QLineEdit:disabled, QPlainTextEdit:disabled { background: %(panel)s; color: %(faint)s; }
QAbstractSpinBox { background: %(field)s; border: 1px solid %(border)s; border-radius: 6px; padding: 4px 7px;
  min-height: 16px; selection-background-color: %(accent)s; selection-color: %(accent_text)s; }
QAbstractSpinBox:focus { border: 2px solid %(accent)s; padding: 3px 6px; }
QAbstractSpinBox[wrong="true"] { border: 2px solid %(error)s; padding: 3px 6px; }
QAbstractSpinBox:disabled { background: %(panel)s; color: %(faint)s; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QTableView, QTreeView, QListView { background: %(window)s; border: none; gridline-color: %(line)s;
  selection-background-color: %(accent_soft)s; selection-color: %(text)s; }
QHeaderView { background: %(window)s; border: none; }
QHeaderView::section { background: %(window)s; color: %(muted)s; border: none; border-bottom: 1px solid %(line)s;
  padding: 4px 6px; font-weight: 600; }
QHeaderView::section:hover { color: %(text)s; }
QMenu { background: %(window)s; border: 1px solid %(border)s; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 24px; border-radius: 4px; color: %(text)s; }
QMenu::item:selected { background: %(accent_soft)s; }
QMenu::item:disabled { color: %(faint)s; }
QMenu::separator { height: 1px; background: %(line)s; margin: 4px 6px; }
QToolTip { background: %(panel)s; color: %(text)s; border: 1px solid %(border)s; padding: 3px; }
QSplitter::handle { background: %(line)s; }
QScrollArea, QScrollArea > QWidget > QWidget[surface="clear"] { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: %(border)s; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: %(faint)s; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QProgressBar { background: %(neutral_soft)s; border: none; border-radius: 3px; }
QProgressBar::chunk { background: %(accent)s; border-radius: 3px; }
"""
