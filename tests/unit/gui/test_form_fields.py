"""The form's own fields: a colour by arrow keys, numbers by their arrows, and switches that say what they mean."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from gui.connections.form_sections import AccountSection, NotesSection, TradingSection
from gui.theme import DARK, LIGHT, Theme
from gui.widgets.buttons import Button
from gui.widgets.color_field import PALETTE, ColorField
from gui.widgets.dialogs import ConfirmDialog
from gui.widgets.spin_box import BUTTON_WIDTH, SpinBox


def test_a_colour_is_chosen_by_mouse_by_arrow_keys_or_written(qapp: QApplication) -> None:
    Theme(qapp)
    field = ColorField()
    field.show()
    assert field.swatches[0].isChecked()
    QTest.mouseClick(field.swatches[2], Qt.MouseButton.LeftButton)
    assert field.value() == PALETTE[2][0]
    assert [each.focusPolicy() for each in field.swatches].count(Qt.FocusPolicy.StrongFocus) == 1
    QTest.keyClick(field.swatches[2], Qt.Key.Key_Right)
    assert field.value() == PALETTE[3][0]
    field.input.setText("#123456")
    assert not any(swatch.isChecked() for swatch in field.swatches)
    field.set_value(PALETTE[1][0].upper())
    assert field.swatches[1].isChecked()
    QTest.mouseClick(field.swatches[0], Qt.MouseButton.LeftButton)
    assert field.value() == ""
    field.close()


def test_every_swatch_has_a_name_and_a_value_that_is_stored(qapp: QApplication) -> None:
    Theme(qapp)
    section = NotesSection()
    names = {swatch.accessibleName() for swatch in section.color.swatches}
    assert len(names) == len(PALETTE)
    assert all(name.startswith("Colour: ") for name in names)
    section.color.set_value(PALETTE[4][0])
    assert section.values()["color"] == PALETTE[4][0]
    section.fields["color"].set_error("is not a colour like #1f6feb")
    assert section.color.input.property("wrong") == "true"


def test_the_arrows_of_a_number_step_it_and_are_seen_in_both_looks(qapp: QApplication) -> None:
    for look, tokens in (("light", LIGHT), ("dark", DARK)):
        theme = Theme(qapp, look)
        spin = SpinBox()
        spin.setRange(0, 10)
        spin.setValue(5)
        spin.resize(140, 30)
        spin.show()
        right = spin.width() - BUTTON_WIDTH // 2
        QTest.mouseClick(spin, Qt.MouseButton.LeftButton, pos=QPoint(right, 8))
        assert spin.value() == 6
        QTest.mouseClick(spin, Qt.MouseButton.LeftButton, pos=QPoint(right, 22))
        QTest.mouseClick(spin, Qt.MouseButton.LeftButton, pos=QPoint(right, 22))
        assert spin.value() == 4
        picture = spin.grab().toImage()
        ground = picture.pixelColor(spin.width() // 2, 4).lightness()
        for rows in (range(3, 14), range(16, 27)):
            tones = [picture.pixelColor(x, y).lightness() for x in range(right - 6, right + 6) for y in rows]
            assert max(abs(tone - ground) for tone in tones) > 90, (look, tokens.field)
        spin.close()
        theme.deleteLater()


def test_every_switch_says_what_it_means() -> None:
    for section in (AccountSection(), TradingSection()):
        for name in ("enabled", "live_trade", "preset_trade", "active", "predefined"):
            if name in section.fields:
                assert section.fields[name].editor.accessibleDescription().endswith(".")


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_enter_presses_the_button_that_has_the_keyboard(qapp: QApplication, key: Qt.Key) -> None:
    Theme(qapp)
    done: list[str] = []
    dialog = ConfirmDialog("Sure?", "It cannot be undone.", confirm="Yes")
    dialog.accepted.connect(lambda: done.append("yes"))
    dialog.open()
    QTest.keyClick(dialog.confirm, key)
    assert done == ["yes"]


def test_what_is_busy_gives_the_keyboard_back_unless_it_was_taken_elsewhere(qapp: QApplication) -> None:
    Theme(qapp)
    window = QWidget()
    row = QHBoxLayout(window)
    first, second, third = (Button(text) for text in ("First", "Second", "Third"))
    for button in (first, second, third):
        row.addWidget(button)
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    first.setFocus()
    first.setEnabled(False)
    first.setEnabled(False)
    assert second.hasFocus()
    first.setEnabled(True)
    assert first.hasFocus()
    first.setEnabled(False)
    third.setFocus()
    first.setEnabled(True)
    assert third.hasFocus()
    first.setFocus()
    # Where a dialog has the keyboard meanwhile, it comes back here when that closes.
    dialog = ConfirmDialog("Sure?", "It cannot be undone.", confirm="Yes", parent=window)
    dialog.open()
    QTest.qWaitForWindowActive(dialog)
    first.setEnabled(False)
    first.setEnabled(True)
    assert window.focusWidget() is first
    dialog.reject()
    window.close()


def test_the_title_of_a_question_is_not_cut(qapp: QApplication) -> None:
    Theme(qapp)
    dialog = ConfirmDialog("Discard what you typed?", "It is not saved yet.", confirm="Discard")
    dialog.open()
    heading = dialog.heading
    assert heading.height() < 2 * heading.fontMetrics().lineSpacing()
    dialog.reject()
