"""Messages, the bar that shows them, and tasks: nothing is said twice, nothing fails in silence."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import qasync
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.messages import Message, Messages
from gui.tasks import Tasks
from gui.theme import Theme
from gui.widgets.message_bar import MessageBar
from models.problem import Category, Problem, StoreError
from services.workers import Workers

PROBLEM = Problem(Category.DISK_FULL, "The disk is full.", "Make room and save again.")


@pytest.fixture
def bar(qtbot: QtBot, qapp: QApplication) -> MessageBar:
    made = MessageBar(Theme(qapp))
    qtbot.addWidget(made)
    return made


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    made = qasync.QEventLoop(qapp)
    asyncio.set_event_loop(made)
    yield made
    made.close()
    asyncio.set_event_loop(None)


def test_what_is_said_before_there_is_a_window_waits(qtbot: QtBot) -> None:
    messages, shown = Messages(), list[Message]()
    messages.say("early")
    qtbot.wait(20)
    messages.listen(shown.append)
    messages.say("late")
    qtbot.waitUntil(lambda: [each.text for each in shown] == ["early", "late"])


def test_a_thread_may_speak(qtbot: QtBot) -> None:
    messages, threads = Messages(), list[threading.Thread]()
    messages.listen(lambda _message: threads.append(threading.current_thread()))
    speaker = threading.Thread(target=lambda: messages.problem(PROBLEM))
    speaker.start()
    speaker.join()
    qtbot.waitUntil(lambda: threads == [threading.main_thread()])


def test_problems_queue_and_stay_until_dismissed(bar: MessageBar) -> None:
    bar.add(Message("error", "one"))
    bar.add(Message("error", "two"))
    bar.add(Message("error", "two"))
    assert (bar.current and bar.current.text, bar._more.text()) == ("one", "1 more")
    bar.dismiss()
    assert bar.current is not None
    assert bar.current.text == "two"
    bar.dismiss()
    assert bar.isHidden()


def test_good_news_gives_way_at_once(bar: MessageBar) -> None:
    bar.add(Message("ok", "saved"))
    bar.add(Message("error", "trouble"))
    assert bar.current is not None
    assert bar.current.text == "trouble"


def test_an_undo_comes_before_a_problem_that_waits_and_the_problem_is_back_after_it(bar: MessageBar) -> None:
    bar.add(Message("warning", "trouble"))
    bar.add(Message("info", "Deleted.", action=("Undo", lambda: None)))
    assert bar.current is not None
    assert (bar.current.text, bar._action.text(), bar._more.text()) == ("Deleted.", "Undo", "1 more")
    bar.add(Message("ok", "It is back."))
    assert (bar.current.text, bar._more.text()) == ("It is back.", "1 more")
    bar.dismiss()
    assert bar.current.text == "trouble"
    bar.dismiss()
    assert bar.isHidden()


def test_the_action_runs_once_and_the_message_goes(bar: MessageBar) -> None:
    done: list[str] = []
    bar.add(Message("info", "Deleted.", action=("Undo", lambda: done.append("undo"))))
    bar._action.click()
    assert done == ["undo"]
    assert bar.isHidden()


def test_a_failing_task_is_shown_and_the_loop_goes_on(loop: asyncio.AbstractEventLoop) -> None:
    messages, shown, busy = Messages(), list[Message](), list[bool]()
    messages.listen(shown.append)
    tasks = Tasks(messages)

    async def no_room() -> None:
        raise StoreError(PROBLEM)

    async def a_bug() -> None:
        raise ZeroDivisionError("secret words")

    async def scene() -> None:
        tasks.start("one", no_room(), busy=busy.append)
        tasks.start("two", a_bug())
        while len(shown) < 2:
            await asyncio.sleep(0.01)
        assert busy == [True, False]
        assert shown[0].text == PROBLEM.text
        assert "secret words" not in repr(shown[1])
        assert not tasks.is_running("one")

    loop.run_until_complete(scene())


def test_a_new_task_cancels_the_old_and_stays_busy(loop: asyncio.AbstractEventLoop) -> None:
    tasks, done, busy = Tasks(Messages()), list[int](), list[bool]()

    async def work(number: int) -> None:
        await asyncio.sleep(0.02)
        done.append(number)

    async def scene() -> None:
        for number in range(5):
            tasks.start("same", work(number), busy=busy.append)
        await asyncio.sleep(0.01)
        assert busy == [True] * 5
        while not done:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert (done, busy[-1], busy.count(False)) == ([4], False, 1)

    loop.run_until_complete(scene())


def test_work_for_a_loop_that_is_gone_is_not_begun(qapp: QApplication) -> None:
    async def work() -> None:
        raise AssertionError

    Tasks(Messages()).start("late", work())


def test_blocking_calls_run_elsewhere(loop: asyncio.AbstractEventLoop) -> None:
    workers, tasks = Workers(), Tasks(Messages())
    tasks.attach(workers)

    async def scene() -> None:
        name = await tasks.read(lambda: threading.current_thread().name)
        assert name.startswith("reader")
        assert (await tasks.write(lambda: threading.current_thread().name)) == "writer"

    loop.run_until_complete(scene())
    assert workers.close()
