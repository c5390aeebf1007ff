"""The connection breaks in every way: nothing is lost, doubled or out of order, and the page says so."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chatting import Server
from playwright.async_api import WebSocketRoute, expect
from processes import PRODUCTFLO, environment, kill, running
from reader import Meet, Reader

BANNER = "Connecting again"
MISSED = 1_010
"""Messages: more than a resume delivers."""
WEBSOCKET = re.compile(r"/ws\?")


def free_port() -> int:
    """A port that stays the same while its server is killed and started again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def web_process_at(port: int, data: Path) -> AsyncIterator[int]:
    """A web process on this port; its process id."""
    env = environment(data, PRODUCTFLO_PORT=str(port), PRODUCTFLO_DEFAULT_ASSISTANTS=",")
    async with running(*PRODUCTFLO, "serve", env=env) as process:
        await process.says("Running on")
        yield process.pid


async def texts(person: Reader) -> list[str]:
    return await person.page.get_by_role("log").locator(".markdown").all_inner_texts()


async def test_the_web_process_is_killed(meet: Meet, tmp_path: Path, room: str) -> None:
    """`kill -9`; what is said meanwhile goes out by itself, once and in its place, and everybody has it."""
    port = free_port()
    async with web_process_at(port, tmp_path) as pid:
        ana = await meet("Ana", Server(port).http)
        bo = await meet("Bo", Server(port).http)
        await ana.enter(room)
        await bo.enter(room)
        await ana.say("before")
        await expect(bo.message("before")).to_have_count(1)
        kill(pid)
    await ana.say("first while away")
    await ana.say("second while away")
    await expect(ana.unsent).to_have_count(2)
    await expect(ana.page.get_by_text(BANNER)).to_be_visible()
    async with web_process_at(port, tmp_path):
        for person in (ana, bo):
            await expect(person.page.get_by_text(BANNER)).to_have_count(0, timeout=20_000)
        await expect(ana.unsent).to_have_count(0)
        await bo.say("after")
        await expect(ana.message("after")).to_have_count(1)
        said = ["before", "first while away", "second while away", "after"]
        assert await texts(ana) == said
        await expect(bo.message("second while away")).to_have_count(1)
        assert await texts(bo) == said
        await bo.page.reload()
        await expect(bo.message("after")).to_have_count(1)
        assert await texts(bo) == said


async def test_the_confirmation_is_lost(meet: Meet, room: str) -> None:
    """The connection ends after the server took a message and before the page heard so: it is there once."""
    ana, bo = await meet("Ana"), await meet("Bo")
    cut = await cut_at_first_confirmation(ana)
    await ana.enter(room)
    await bo.enter(room)
    await ana.say("only once")
    await expect(bo.message("only once")).to_have_count(1)
    await expect(ana.unsent).to_have_count(0)
    await expect(ana.message("only once")).to_have_count(1)
    assert cut.is_set()
    await ana.say("then this")
    await expect(bo.message("then this")).to_have_count(1)
    assert await texts(bo) == ["only once", "then this"]
    assert await texts(ana) == ["only once", "then this"]


async def cut_at_first_confirmation(person: Reader) -> asyncio.Event:
    """Put something between page and server that breaks off at the first `chat_response`, and tells so."""
    cut = asyncio.Event()

    def connect(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        async def pass_on(message: str | bytes) -> None:
            if not cut.is_set() and json.loads(message)["code"] == "chat_response":
                cut.set()
                await page.close(code=1013)
                await server.close()
            else:
                page.send(message)

        server.on_message(pass_on)

    await person.page.route_web_socket(WEBSOCKET, connect)
    return cut


async def test_what_was_missed_comes_after_a_gap_in_the_network(meet: Meet, room: str) -> None:
    """Offline, others go on talking; back online, the page resumes and counts what is unread."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await bo.say("one")
    await expect(ana.message("one")).to_have_count(1)
    sockets = await hold_sockets(bo)
    await bo.enter(room)
    await expect(bo.message("one")).to_have_count(1)
    await sockets[-1].close(code=1012, reason="retry_after=1.0")
    await ana.say("two")
    await ana.say("three")
    await expect(ana.unsent).to_have_count(0)
    await expect(bo.message("three")).to_have_count(1)
    assert await texts(bo) == ["one", "two", "three"]


async def hold_sockets(person: Reader) -> list[WebSocketRoute]:
    """The connections that the page makes from now on, passed on unchanged."""
    sockets: list[WebSocketRoute] = []

    def connect(page: WebSocketRoute) -> None:
        page.connect_to_server()
        sockets.append(page)

    await person.page.route_web_socket(WEBSOCKET, connect)
    return sockets


async def test_too_much_was_missed(meet: Meet, product: Server, room: str) -> None:
    """After more than is sent again, the page shows the newest messages and says so."""
    ana = await meet("Ana")
    away = asyncio.Event()
    await stay_away_while(ana, away)
    await ana.enter(room)
    await ana.say("before")
    await expect(ana.unsent).to_have_count(0)
    away.set()
    await ana.page.evaluate(
        "dispatchEvent(new Event('offline'))"
    )  # Makes the page ask whether anybody is there.
    await expect(ana.page.get_by_text(BANNER)).to_be_visible()
    async with product.client("dee") as dee:
        await dee.join(room)
        for number in range(1, MISSED + 1):
            await dee.say("chat", room, message=f"message {number}", sender="dee")
        await dee.until("chat_response", message=f"message {MISSED}")
    away.clear()
    await expect(ana.page.get_by_text("A lot was said while you were away.")).to_be_visible(timeout=20_000)
    await expect(ana.message(f"message {MISSED}")).to_be_in_viewport()
    await expect(ana.message("before")).to_have_count(0)


async def stay_away_while(person: Reader, away: asyncio.Event) -> None:
    """Put something between page and server that ends every connection while `away` is set."""

    def connect(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        async def pass_on(message: str | bytes) -> None:
            if away.is_set():
                await page.close(code=1013)
                await server.close()
            else:
                server.send(message)

        page.on_message(pass_on)

    await person.page.route_web_socket(WEBSOCKET, connect)


async def test_the_server_does_not_want_the_page(meet: Meet, room: str) -> None:
    """After 1008 the page says why, and does not come back by itself."""
    ana = await meet("Ana")
    sockets = await hold_sockets(ana)
    await ana.enter(room)
    await sockets[-1].close(code=1008, reason="too many envelopes")
    await expect(ana.page.get_by_role("alert")).to_contain_text("too many envelopes")
    assert len(sockets) == 1


async def test_a_message_that_is_refused(meet: Meet, room: str) -> None:
    """A message that the server refuses says so and can be discarded; the next one goes through."""
    ana = await meet("Ana")
    await refuse_a_message(ana)
    await ana.enter(room)
    await ana.say("too much")
    await expect(ana.page.get_by_role("alert")).to_contain_text("Not sent. The store is full.")
    await ana.say("this goes through")
    await expect(ana.unsent).to_have_count(1)
    await ana.page.get_by_role("button", name="Discard").click()
    await expect(ana.unsent).to_have_count(0)
    assert await texts(ana) == ["this goes through"]


async def refuse_a_message(person: Reader) -> None:
    """Put something between page and server that refuses the first chat, as a full store does."""
    is_refused = False

    def connect(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            nonlocal is_refused
            envelope = json.loads(text)
            if is_refused or envelope["code"] != "chat":
                server.send(text)
                return
            is_refused = True
            detail = {
                "code": "STORE_FULL",
                "message": "The store is full.",
                "request_code": "chat",
                "message_id": envelope["data"]["message_id"],
            }
            page.send(json.dumps({**envelope, "status": "error", "code": "system", "data": detail}))

        page.on_message(pass_on)

    await person.page.route_web_socket(WEBSOCKET, connect)
