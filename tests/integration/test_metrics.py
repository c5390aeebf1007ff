"""`/metrics`: who may read it, in which format, over several processes; and what makes each number rise."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import orjson
import pytest
from cast import unique
from chatting import PATIENCE_SECONDS, Client, Server, web_process
from counting import counted, counting
from processes import PRODUCTFLO, environment, kill, running, web_processes_of
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from rooms import entry, make_room, writing
from websockets.exceptions import ConnectionClosed, InvalidStatus

from productflo.store.entries import RunGuard
from productflo.store.keys import RoomKeys
from productflo.store.runs import Lease, RunStore

SECRET = "a-secret-of-at-least-thirty-two-bytes"
SERVICE_KEY = "a-service-key-for-tests"


async def test_an_open_server_tells_anybody(server: Server) -> None:
    """In the text format, or in OpenMetrics where that is asked for; nothing is kept by anybody between."""
    async with httpx.AsyncClient(base_url=server.http) as http:
        answer = await http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        assert {"productflo_connections", "productflo_appended", "productflo_append_seconds"} <= names
        modern = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert modern.headers["content-type"].startswith("application/openmetrics-text")
        assert names <= {family.name for family in openmetrics.text_string_to_metric_families(modern.text)}


async def test_with_tokens_it_takes_the_service_key(store_url: str, tmp_path: Path) -> None:
    """Also from this machine, where a proxy's clients come from as well."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_SECRET": SECRET, "PRODUCTFLO_SERVICE_KEY": SERVICE_KEY}
    async with web_process(tmp_path, **env) as server, httpx.AsyncClient(base_url=server.http) as http:
        for headers, status in (
            ({}, 401),
            ({"X-Forwarded-For": "127.0.0.1"}, 401),
            ({"X-Service-Key": "another-service-key"}, 401),
            ({"Authorization": f"Bearer {SERVICE_KEY}"}, 200),
        ):
            assert (await http.get("/metrics", headers=headers)).status_code == status
        await a_bad_token_is_counted(server)


async def a_bad_token_is_counted(server: Server) -> None:
    """As a handshake that was refused, and with the code that it was closed with."""
    async with server.client("ada", "?token=nonsense") as ada:
        assert (await ada.error())["code"] == "UNAUTHENTICATED"
    told = await counted(server, {"X-Service-Key": SERVICE_KEY})
    assert told["handshakes_refused_total token"] == 1
    assert told["closes_total 4401"] == 1
    assert told["errors_total UNAUTHENTICATED"] == 1


async def test_it_tells_the_sum_of_all_processes(store_url: str, tmp_path: Path) -> None:
    """What another process counted is there, also when it is killed; what it had open then is not."""
    env = environment(
        tmp_path, REDIS_URL=store_url, PRODUCTFLO_WORKERS="2", PRODUCTFLO_DEFAULT_ASSISTANTS=","
    )
    async with running(*PRODUCTFLO, "serve", env=env) as process, AsyncExitStack() as clients:
        server = Server(int((await process.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1]))
        crowd = [await clients.enter_async_context(server.client(user)) for user in unique(*"abcdefghij")]
        for client in crowd:
            await client.join("room")
        assert (await counted(server))["connections"] == len(crowd)
        async with asyncio.timeout(PATIENCE_SECONDS):  # What is counted is told twice a second.
            while (await counted(server)).get("envelopes_total join") != len(crowd):
                pass
        kill(web_processes_of(process.pid)[0])
        async with asyncio.timeout(PATIENCE_SECONDS):
            left = len(crowd)
            while left == len(crowd):  # Until its parent has noticed.
                left = (await counted(server))["connections"]
        assert left == sum([await is_open(client) for client in crowd])
        assert (await counted(server))["envelopes_total join"] == len(crowd)


async def is_open(client: Client) -> bool:
    """Whether the other side still answers."""
    try:
        await client.settled()
    except ConnectionClosed:
        return False
    return True


async def test_a_client_chooses_no_label(server: Server, room: str) -> None:
    """Whatever it makes up counts as one thing: a label of its choice would grow without end."""
    async with counting(server) as rise, server.client("ada") as ada:
        await ada.join(room)
        for code in ("made_up", "made_up_too"):
            await ada.say(code, room)
            await ada.error()
        counts = await rise.of(
            "connections",
            "envelopes_total join",
            "envelopes_total other",
            "errors_total UNSUPPORTED_MESSAGE_TYPE",
        )
        assert counts == [1, 1, 2, 2]
        assert not [name for name in await counted(server) if "made_up" in name]


async def test_messages_are_counted(server: Server, room: str) -> None:
    """Each that is written once, and each that everybody is handed; a repeated one as such."""
    ada_id, bob_id = unique("ada", "bob")
    async with server.client(ada_id) as ada, server.client(bob_id) as bob:
        await ada.join(room)
        await bob.join(room)
        async with counting(server) as rise:
            for number in range(10):
                await ada.chat(room, f"word {number}", message_id=f"m{number}")
            await bob.until("chat_response", message_id="m9")
            names = "appended_total", "duplicates_total", "append_seconds_count"
            assert await rise.of(*names) == [10, 0, 10]
            assert (await rise.of("fan_out_lag_seconds_count"))[
                0
            ] >= 1  # One for what was published together.
            assert (await rise.of("deliveries_total"))[0] >= 20  # And who came, perhaps.
            await ada.chat(room, "word 3", message_id="m3")
            assert await rise.of(*names) == [10, 1, 11]


async def test_resumes_are_counted_by_how_they_went(server: Server, room: str) -> None:
    """Those that go on, and those that can not."""
    async with server.client("ada") as ada:
        begun = (await ada.join(room))["data"]
        await ada.chat(room, "one")
        async with counting(server) as rise:
            await ada.join(room)
            await ada.join(room, since=0, generation=begun["generation"])
            await ada.join(room, since=7, generation=begun["generation"])
            await ada.join(room, since=1, generation="of another store")
            assert await rise.of("resumes_total continuous", "resumes_total rewound") == [1, 2]


async def test_what_the_bus_drops_is_counted(server: Server, redis: Redis, room: str) -> None:
    """As holes where a later event tells of it; as filled what the log gave."""
    (ada_id,) = unique("ada")
    async with counting(server) as rise, server.client(ada_id) as ada:
        await ada.chat(room, "before")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await rise.of("holes_filled_total"))[0] == 0:
                await redis.client_kill_filter(_type="pubsub")
                await ada.chat(room, "while nobody listens")
        joined = (await ada.join(room))["data"]
        later = orjson.dumps(["log", joined["last_seq"] + 2, joined["generation"], 0])
        await redis.publish(RoomKeys(room).bus, later + b'\n{"code":"chat_response"}')
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await rise.of("holes_total"))[0] == 0:
                pass


async def test_ratings_are_counted(server: Server, redis: Redis, room: str) -> None:
    """Once each; a changed mind again."""
    (ada_id,) = unique("ada")
    async with writing(redis) as log:
        await make_room(redis, log, room, people=(ada_id,))
        lease = await RunStore(redis).acquire(room, "echo", "w1")
        assert isinstance(lease, Lease)
        answer = entry(room, "echo", "an answer", "m1", guard=RunGuard("echo", lease.token, 1))
        await log.append(answer)
    async with counting(server) as rise, server.client(ada_id) as ada:
        for rating in ("up", "up", "down"):
            await ada.say("feedback", room, message_id="m1", rating=rating)
            await ada.until("feedback", rating=rating)
        assert await rise.of("feedback_total up", "feedback_total down") == [1, 1]


async def test_handshakes_that_are_refused_are_counted(server: Server) -> None:
    """By what they met: here another site's page; the rest is in test_limits."""
    async with counting(server) as rise:
        with pytest.raises(InvalidStatus):
            async with server.client("ada", additional_headers={"Origin": "http://evil.example"}):
                pass
        assert await rise.of("handshakes_refused_total source") == [1]
