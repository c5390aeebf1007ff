"""Who sends or comes too much is refused, told when to try again, and harms nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from chatting import PATIENCE_SECONDS, Client, Server, web_process
from counting import counted, counting
from processes import PRODUCTFLO, environment, running
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from productflo.server.rate_limits import HAMMERING

SERVICE_KEY = "a-service-key-for-tests"
TIGHT = {
    "PRODUCTFLO_DEFAULT_ASSISTANTS": ",",
    "PRODUCTFLO_RATE_CHATS": "20/s burst 10",
    "PRODUCTFLO_RATE_MALFORMED": "1/min burst 5",
    "PRODUCTFLO_RATE_HANDSHAKES": "1/min burst 30",
    "PRODUCTFLO_MAX_CONNECTIONS_PER_ADDRESS": "3",
    "PRODUCTFLO_MAX_CONNECTIONS_PER_USER": "2",
    "PRODUCTFLO_RATE_REQUESTS": "1/min burst 5",
    "PRODUCTFLO_SERVICE_KEY": SERVICE_KEY,
    "PRODUCTFLO_TRUSTED_PROXIES": "127.0.0.1",
}


@pytest.fixture(scope="module")
async def strict(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with limits that a test meets, behind a proxy that the test plays."""
    async with web_process(tmp_path_factory.mktemp("strict"), REDIS_URL=store_url, **TIGHT) as server:
        yield server


def at(address: str) -> dict[str, Any]:
    """A connection through the proxy, from an address."""
    return {"additional_headers": {"X-Forwarded-For": f"203.0.113.99, {address}"}}


async def closed(client: Client) -> tuple[int, str]:
    """The code and the reason with which the server ends the connection."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with suppress(ConnectionClosed):
            while True:
                await client.socket.recv()
    assert client.socket.close_code is not None
    return client.socket.close_code, client.socket.close_reason or ""


async def refused(server: Server, address: str) -> httpx.Response:
    """The answer to a handshake that is turned away."""
    with pytest.raises(InvalidStatus) as error:
        async with connect(server.ws, **at(address)):
            pass
    told = error.value.response
    return httpx.Response(told.status_code, headers=[*told.headers.raw_items()], content=bytes(told.body))


async def comes_in(server: Server, user: str, **options: Any) -> None:
    """Return when a connection is let in: the server counts one out when it has noticed its end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(InvalidStatus, ConnectionClosed):
                async with server.client(user, **options) as client:
                    await client.settled()
                    return
            await asyncio.sleep(0.05)


async def test_who_says_too_much_is_told_when_to_go_on(strict: Server, room: str) -> None:
    """What was refused is not in the room; sent again after the time that was told it is, once."""
    async with counting(strict) as rise, strict.client("ada") as ada, strict.client("bob") as bob:
        await ada.join(room)
        await bob.join(room)
        ids = [f"m{number}" for number in range(30)]
        unsaid, refusals = ids, 0
        while unsaid:
            again = await said(ada, room, unsaid)
            refusals += len(again)
            assert (await bob.chat(room, "and I?"))["data"]["sender"] == "bob"
            await asyncio.sleep(max(again.values(), default=0))
            unsaid = list(again)
        await bob.chat(room, "the end")
        assert await rise.of("rate_limited_total user", "errors_total RATE_LIMITED") == [refusals, refusals]
    assert refusals >= 10
    heard = [one["data"]["message_id"] for one in bob.heard if one["code"] == "chat_response"]
    assert sorted(one for one in heard if one in ids) == sorted(ids)


async def said(client: Client, room: str, message_ids: list[str]) -> dict[str, float]:
    """Say them all at once: the seconds to wait, for each that was refused."""
    for one in message_ids:
        await client.say("chat", room, message="a word", sender=client.user, message_id=one)
    open_ones, refused = set(message_ids), {}
    while open_ones:
        data = (await client.next())["data"]
        open_ones.discard(data.get("message_id"))
        if data.get("code") == "RATE_LIMITED":
            refused[data["message_id"]] = data["retry_after"]
    return refused


async def test_who_goes_on_all_the_same_is_closed(strict: Server, room: str) -> None:
    """With 1008, which means not to come back; until then each one is answered."""
    async with counting(strict) as rise, strict.client("eve") as eve:
        said = {"code": "chat", "user_id": "eve", "room_id": room, "data": {"message": "x", "sender": "eve"}}
        for _ in range(HAMMERING.burst + 100):
            await eve.send(said)
        code, reason = await closed(eve)
        assert code == 1008
        assert "retry_after" in reason
        assert await rise.of("closes_total 1008") == [1]


async def test_who_sends_nothing_but_nonsense_is_closed(strict: Server, room: str) -> None:
    """Each is answered with what is wrong with it, until it is too much."""
    async with strict.client("mallory") as mallory:
        for _ in range(5):
            await mallory.send("{")
            assert (await mallory.error())["code"] == "VALIDATION_ERROR"
        await mallory.send("{")
        code, reason = await closed(mallory)
        assert code == 1008
        assert "malformed" in reason


async def test_an_address_has_so_many_connections(strict: Server) -> None:
    """The next is refused before the upgrade, until one is closed; another address has its own."""
    one = "192.0.2.1"
    async with strict.client("u1", **at(one)), strict.client("u2", **at(one)):
        async with counting(strict) as rise, strict.client("u3", **at(one)):
            told = await refused(strict, one)
            assert (told.status_code, told.json()["error"]["code"]) == (429, "RATE_LIMITED")
            assert int(told.headers["Retry-After"]) >= 1
            assert await rise.of("handshakes_refused_total address") == [1]
            async with strict.client("u4", **at("192.0.2.2")) as other:
                assert await other.settled() == []
        await comes_in(strict, "u3", **at(one))


async def test_an_address_comes_so_often(strict: Server) -> None:
    """Whoever connects and leaves without end is refused for a while."""
    for number in range(30):
        await comes_in(strict, f"flighty{number}", **at("192.0.2.3"))
    told = await refused(strict, "192.0.2.3")
    assert told.status_code == 429
    assert int(told.headers["Retry-After"]) > 30


async def test_a_user_has_so_many_connections(strict: Server) -> None:
    """The newest is closed and told why; when one is gone there is room again."""
    async with counting(strict) as rise, strict.client("many") as first:
        assert await first.settled() == []
        async with strict.client("many") as second:
            assert await second.settled() == []
            async with strict.client("many") as third:
                await third.say("ping")
                assert (await third.error())["code"] == "RATE_LIMITED"
                code, reason = await closed(third)
                assert (code, "Close one" in reason) == (1008, True)
                assert await rise.of("handshakes_refused_total user") == [1]
            assert await second.settled() == []
        await comes_in(strict, "many")
        assert await first.settled() == []


async def test_a_full_process_says_so(store_url: str, tmp_path: Path) -> None:
    """To whoever comes, from wherever; those who are there stay.

    A proxy that is not trusted is not believed: its clients are all on loopback here, which no limit of an
    address holds. The operator learns it, and what to do, from one line.
    """
    limits = {"PRODUCTFLO_MAX_CONNECTIONS": "2", "PRODUCTFLO_MAX_CONNECTIONS_PER_ADDRESS": "1"}
    env = environment(tmp_path, REDIS_URL=store_url, **limits)
    async with running(*PRODUCTFLO, "serve", env=env) as process:
        server = Server(int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1]))
        async with (
            server.client("u1", **at("192.0.2.1")) as one,
            server.client("u2", **at("192.0.2.1")) as two,
        ):
            assert await one.settled() == []
            told = await refused(server, "192.0.2.2")
            assert told.status_code == 503
            assert int(told.headers["Retry-After"]) >= 1
            assert (await counted(server))["handshakes_refused_total process"] == 1
            assert await two.settled() == []
        process.process.terminate()
        await process.ends()
    hints = [line for line in process.lines if "PRODUCTFLO_TRUSTED_PROXIES=127.0.0.1" in line]
    assert len(hints) == 1


@pytest.mark.parametrize(
    ("caller", "another"),
    [
        ({"X-User-Id": "greedy"}, {"X-User-Id": "modest"}),
        ({"X-Forwarded-For": "192.0.2.4"}, {"X-Forwarded-For": "192.0.2.5"}),
    ],
    ids=["a user", "an address that names nobody"],
)
async def test_so_many_requests_over_http(
    strict: Server, caller: dict[str, str], another: dict[str, str]
) -> None:
    """The next is refused; another caller has its own; what is free, and a service, are not counted."""
    key = {"X-Service-Key": SERVICE_KEY}
    async with httpx.AsyncClient(base_url=strict.http) as http:
        answers = [await http.get("/api/rooms", headers=caller) for _ in range(6)]
        assert [one.status_code == 429 for one in answers] == [False] * 5 + [True]
        assert answers[5].json()["error"]["code"] == "RATE_LIMITED"
        assert int(answers[5].headers["Retry-After"]) > 30
        assert (await http.get("/api/rooms", headers=another)).status_code != 429
        for _ in range(6):
            assert (await http.get("/healthz", headers=caller)).status_code == 200
            assert (await http.get("/api/rooms", headers=key)).status_code == 200
