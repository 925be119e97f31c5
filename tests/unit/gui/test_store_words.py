"""What the store's states say, and the seconds that count down by the monotonic clock."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from gui.store_chip import StoreChip
from gui.store_words import countdown, counts, may_retry, place, store_words
from models.problem import Category, Problem
from models.status import Backend, StoreState, StoreStatus

AWAY = Problem(Category.SERVER_DOWN, "No PostgreSQL runs at db1:5432.", "Start the server there.")
URL = "postgresql://desk:***@db1:5432/cts"
FALLBACK = StoreStatus(
    Backend.JSON, StoreState.FALLBACK, "/data/connections", problem=AWAY, waiting=2, home=URL, retry_in=7.2
)
ONLINE = StoreStatus(Backend.POSTGRESQL, StoreState.ONLINE, URL)


def test_every_state_differs_by_its_sign_and_its_words() -> None:
    states = [
        ONLINE,
        FALLBACK,
        ONLINE._replace(state=StoreState.RECONCILING, waiting=1),
        ONLINE._replace(state=StoreState.READ_ONLY, problem=AWAY),
    ]
    words = [store_words(status) for status in states]
    assert len({each.sign for each in words}) == len(words)
    assert len({each.short for each in words}) == len(words)
    assert len({each.headline for each in words}) == len(words)
    assert words[1].cause == AWAY.text
    assert words[2].headline == "The database is back; 1 change is on the way to it."


def test_a_store_that_is_not_open_yet_is_not_called_read_only() -> None:
    opening = store_words(ONLINE._replace(state=StoreState.READ_ONLY))
    assert (opening.short, opening.level) == ("PostgreSQL, opening", "accent")
    assert opening.headline == "PostgreSQL at desk@db1:5432/cts is being opened"


def test_a_location_as_people_say_it() -> None:
    assert place(URL) == "desk@db1:5432/cts"
    assert place("/data/cts.db") == "/data/cts.db"


def test_the_countdown() -> None:
    assert countdown(FALLBACK, 7.2) == "next try in 7 s"
    assert countdown(FALLBACK, 0.2) == "next try in 1 s"
    assert countdown(FALLBACK, -1.0) == "trying now"
    assert countdown(FALLBACK._replace(trying=True), 5.0) == "trying now"
    # AUTH and its like are not tried again by themselves.
    assert countdown(FALLBACK, None) == ""


def test_what_is_counted_and_what_may_be_tried() -> None:
    many = FALLBACK._replace(conflicts=1, rejected=3)
    assert counts(many) == (("waiting", "2 waiting"), ("conflicts", "1 conflict"), ("rejected", "3 refused"))
    assert counts(ONLINE) == ()
    assert may_retry(FALLBACK)
    assert not may_retry(ONLINE)
    assert not may_retry(FALLBACK._replace(problem=AWAY._replace(category=Category.FENCE)))


def test_the_chip_counts_down_and_its_panel_says_what_to_do(qapp: QApplication) -> None:
    now = [100.0]
    window = QWidget()
    window.resize(700, 400)
    chip = StoreChip(lambda: now[0])
    chip.setParent(window)
    chip.move(0, 370)
    window.show()
    chip.show_store(FALLBACK)
    assert chip.text().endswith("next try in 7 s")
    assert chip.accessibleName() == "Store: JSON files, database away · desk@db1:5432/cts · next try in 7 s"
    now[0] = 105.3
    chip._show()
    assert chip.text().endswith("next try in 2 s")
    asked: list[str] = []
    chip.retry_wanted.connect(lambda: asked.append("retry"))
    chip.page_wanted.connect(lambda: asked.append("page"))
    for button in ("retry", "page"):
        chip.open_panel()
        panel = chip._panel
        assert panel is not None
        assert panel.cause.text() == AWAY.text
        assert panel.solution.text() == AWAY.solution
        assert panel.soon.text() == "Next try in 2 s."
        QTest.mouseClick(getattr(panel, button), Qt.MouseButton.LeftButton)
        qapp.processEvents()
    assert asked == ["retry", "page"]
    chip.open_panel()
    QTest.mouseClick(window, Qt.MouseButton.LeftButton, pos=window.rect().topRight() - QPoint(5, -5))
    assert chip._panel is None
    chip.show_store(ONLINE)
    assert chip.text() == "●  PostgreSQL · desk@db1:5432/cts"
    assert not chip._second.isActive()
    window.close()


def test_what_servers_say_is_plain_text(qapp: QApplication) -> None:
    evil = "<h1>&amp; <img src='file:///etc/hostname'></h1> & so on"
    window = QWidget()
    chip = StoreChip()
    chip.setParent(window)
    window.show()
    chip.show_store(FALLBACK._replace(problem=Problem(Category.UNKNOWN, evil, evil), home=evil))
    chip.open_panel()
    panel = chip._panel
    assert panel is not None
    labels = panel.findChildren(QLabel)
    assert any(label.text() == evil for label in labels)
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels)
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert chip._panel is None
    window.close()
    qapp.processEvents()
