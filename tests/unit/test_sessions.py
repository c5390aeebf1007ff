"""What a process does for its sessions: a bounded inbox, a task only while there is something, an end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from productflo.domain.identity import Identity
from productflo.protocol.codes import CloseCode
from productflo.server import sessions as module
from productflo.server.sessions import INBOX_BYTES, INBOX_MESSAGES, OpenSession, Sessions

PATIENCE_SECONDS = 20.0


class Line:
    """A connection that keeps how it was closed, and how often it was told to read on."""

    id = "conn_1"

    def __init__(self) -> None:
        self.closed_with = asyncio.get_running_loop().create_future()
        self.read_on_calls = 0

    def close(self, code: CloseCode, reason: str) -> None:
        if not self.closed_with.done():
            self.closed_with.set_result(code)

    def read_on(self) -> None:
        self.read_on_calls += 1


class Conversation:
    """Stands for the session: handles a message when it is let."""

    latest: "Conversation"

    def __init__(self, door: Any, connection: Any, identity: Identity | None, tasks: OpenSession) -> None:
        self.tasks = tasks
        self.handled: list[str | bytes] = []
        self.may = asyncio.Event()
        self.ended = asyncio.Event()
        Conversation.latest = self

    full = False

    async def begin(self) -> None:
        await asyncio.sleep(0)

    def take(self, message: str | bytes) -> Coroutine[Any, Any, None]:
        return self.receive(message)

    async def receive(self, message: str | bytes) -> None:
        await self.may.wait()
        if message == "fail":
            raise ZeroDivisionError
        self.handled.append(message)

    async def end(self) -> None:
        self.ended.set()


@pytest.fixture
async def sessions(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sessions]:
    """Sessions that are served."""
    monkeypatch.setattr(module, "Session", Conversation)
    door: Any = None
    sessions = Sessions(door)
    serving = asyncio.create_task(sessions.run())
    await asyncio.sleep(0)
    yield sessions
    serving.cancel()
    await asyncio.wait({serving})


def opened(sessions: Sessions, identity: Identity | None = None) -> tuple[OpenSession, Conversation, Line]:
    """A session, what stands behind it, and its connection."""
    line: Any = Line()
    session = sessions.open(identity, line)
    return session, Conversation.latest, line


async def soon(event: asyncio.Event) -> None:
    """Wait for what is on its way."""
    await asyncio.wait_for(event.wait(), PATIENCE_SECONDS)


async def test_an_idle_session_has_no_task(sessions: Sessions) -> None:
    """Only while there is something to handle; then messages are handled in their order."""
    before = asyncio.all_tasks()
    session, conversation, _ = opened(sessions)
    conversation.may.set()
    for number in range(5):
        session.received(str(number))
    working = asyncio.all_tasks() - before
    assert len(working) == 1
    await asyncio.wait(working)
    assert asyncio.all_tasks() == before
    assert conversation.handled == ["0", "1", "2", "3", "4"]
    session.received("5")
    await asyncio.wait(asyncio.all_tasks() - before)
    assert conversation.handled[-1] == "5"


@pytest.mark.parametrize("message", ["x", "x" * (INBOX_BYTES // 4)], ids=["many", "large"])
async def test_a_full_inbox_leaves_the_client_unread(sessions: Sessions, message: str) -> None:
    """By messages or by bytes; half of it must be handled before it is read on."""
    session, conversation, line = opened(sessions)
    taken = 0
    while not session.full:
        session.received(message)
        taken += 1
    assert taken == (INBOX_MESSAGES if message == "x" else 4)
    assert line.read_on_calls == 0
    conversation.may.set()
    session.lost()
    await soon(conversation.ended)
    assert len(conversation.handled) == taken
    assert 0 < line.read_on_calls <= taken // 2 + 1
    assert not session.full


async def test_what_was_said_before_leaving_is_handled_first(sessions: Sessions) -> None:
    """And the session ends when it is; nobody is waited for after that."""
    session, conversation, _ = opened(sessions)
    session.received("last words")
    session.lost()
    await asyncio.sleep(0)
    assert not conversation.ended.is_set()
    conversation.may.set()
    await asyncio.wait_for(sessions.all_closed(), PATIENCE_SECONDS)
    assert conversation.handled == ["last words"]
    assert conversation.ended.is_set()


async def test_last_words_that_take_too_long_are_cut_short(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the store is at: the session's end must not wait for it."""
    monkeypatch.setattr(module, "LAST_WORDS", 0.01)
    session, conversation, _ = opened(sessions)
    session.received("too slow")
    session.lost()
    await asyncio.wait_for(sessions.all_closed(), PATIENCE_SECONDS)
    assert conversation.handled == []


async def test_what_comes_while_the_process_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quart's data phase reads on until it is cancelled: that is an ordinary end, and raises nothing."""
    monkeypatch.setattr(module, "Session", Conversation)
    door: Any = None
    sessions = Sessions(door)
    serving = asyncio.create_task(sessions.run())
    await asyncio.sleep(0)
    before = asyncio.all_tasks()
    session, conversation, _ = opened(sessions)
    await asyncio.wait(asyncio.all_tasks() - before)  # It is idle.
    serving.cancel()
    await asyncio.wait({serving})
    session.received("too late")
    session.lost()
    assert not session.full
    assert conversation.handled == []


@pytest.mark.parametrize("where", ["handling", "beside it"])
async def test_a_fault_ends_the_connection_and_nothing_else(
    sessions: Sessions, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With 1011 and a line in the log; the other sessions go on."""
    session, conversation, line = opened(sessions)
    other, other_conversation, other_line = opened(sessions)

    async def fails() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        conversation.may.set()
        if where == "handling":
            session.received("fail")
        else:
            session.create_task(fails())
        assert await asyncio.wait_for(line.closed_with, PATIENCE_SECONDS) == CloseCode.INTERNAL
    assert "ZeroDivisionError" in caplog.text
    session.lost()
    other.received("hello")
    other.lost()
    other_conversation.may.set()
    await asyncio.wait_for(sessions.all_closed(), PATIENCE_SECONDS)
    assert other_conversation.handled == ["hello"]
    assert not other_line.closed_with.done()


async def test_a_connection_ends_with_its_token(sessions: Sessions) -> None:
    """Also one that has ended already when the session begins."""
    for seconds in (0.02, -5.0):
        session, _, line = opened(sessions, Identity("ada", "Ada", expires_at=time.time() + seconds))
        assert await asyncio.wait_for(line.closed_with, PATIENCE_SECONDS) == CloseCode.UNAUTHENTICATED
        session.lost()
    await asyncio.wait_for(sessions.all_closed(), PATIENCE_SECONDS)
