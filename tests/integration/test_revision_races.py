"""Several processes and people at the same message: one order, each thing done once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cast import unique
from chatting import Client, Server, web_process
from processes import kill
from redis.asyncio import Redis
from revising import revision
from rooms import entry, make_room, writing
from viewing import View

from productflo.errors import NotFound
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore
from productflo.store.entries import Appended


@pytest.fixture
async def other_server(store_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """Another web process on the same store."""
    async with web_process(tmp_path, REDIS_URL=store_url, PRODUCTFLO_DEFAULT_ASSISTANTS=",") as server:
        yield server


async def until_seq(client: Client, seq: int) -> list[dict[str, Any]]:
    """The durable events that a connection is told, up to a seq."""
    told: list[dict[str, Any]] = []
    while not told or told[-1]["data"]["seq"] < seq:
        envelope = await client.next()
        if "seq" in envelope["data"]:
            told.append(envelope)
    return told


async def test_two_processes_change_one_message(server: Server, other_server: Server, room: str) -> None:
    """All at once; every connection hears the same events in the same order, and both tell the same page."""
    (ada,) = unique("ada")
    people = unique(*(f"p{number}" for number in range(6)))
    async with AsyncExitStack() as stack:
        authors = [await stack.enter_async_context(one.client(ada)) for one in (server, other_server)]
        await authors[0].join(room)
        await authors[1].join(room)
        await authors[0].chat(room, "hello", message_id="m1")
        others = []
        for number, person in enumerate(people):
            others.append(await stack.enter_async_context((server, other_server)[number % 2].client(person)))
            await others[-1].join(room)
        asked = [one.say("reaction", room, message_id="m1", emoji="👍", action="add") for one in others]
        asked += [
            author.say("edit", room, message_id="m1", message=f"version {number}")
            for number in range(5)
            for author in authors
        ]
        await asyncio.gather(*asked)
        events = len(others) + 10
        told = [await until_seq(one, 1 + events) for one in (authors[1], *others)]
        assert [one["data"]["seq"] for one in told[1]] == list(range(2, 2 + events))
        assert all(one[-events:] == told[1] for one in told)
        pages = []
        for author in authors:
            await author.say("historic", room)
            pages.append((await author.until("historic_response"))["data"]["messages"])
        assert pages[0] == pages[1]
        (message,) = pages[0]
        edits = [one["data"]["message"] for one in told[1] if one["code"] == "edit"]
        reactions = [one["data"]["sender"] for one in told[1] if one["code"] == "reaction"]
        assert message["message"] == edits[-1]
        assert message["reactions"] == {"👍": reactions}
        assert sorted(reactions) == sorted(people)


async def test_an_operation_raced_by_many_is_done_once(redis: Redis, store_url: str) -> None:
    """The same edit from three clients of the store, many times each."""
    async with AsyncExitStack() as stack:
        logs = [
            await stack.enter_async_context(writing(await stack.enter_async_context(open_redis(store_url))))
            for _ in range(3)
        ]
        await make_room(redis, logs[0], "lab")
        await logs[0].append(entry("lab", "ada", "hello", "m1"))
        edit = await revision(redis, logs[0], "lab", "edit", "m1", message="bye", operation="op1")
        told = await asyncio.gather(*(log.append(edit) for log in logs for _ in range(50)))
        assert [one.seq for one in told] == [2] * 150
        assert sum(one.envelope is None for one in told) == 1
        assert len(await logs[0].read("lab", 0, 1000)) == 2


async def test_of_a_deletion_and_an_edit_one_is_first(redis: Redis, store_url: str) -> None:
    """An edit that comes after the deletion finds nothing; whatever came before is gone with it."""
    async with open_redis(store_url) as second, writing(redis) as log, writing(second) as other:
        await make_room(redis, log, "lab", people=("ada", "bob"))
        outcomes = []
        for number in range(20):
            await log.append(entry("lab", "bob", "hello", f"m{number}"))
            edit = await revision(redis, log, "lab", "edit", f"m{number}", by="bob", message="bye")
            delete = await revision(redis, other, "lab", "delete", f"m{number}", by="ada")
            results = await asyncio.gather(log.append(edit), other.append(delete), return_exceptions=True)
            outcomes.append([type(one) for one in results])
        assert all(one in ([Appended, Appended], [NotFound, Appended]) for one in outcomes)
        view = View()
        view.take([one.envelope for one in await log.read("lab", 0, 1000)])
        assert all(one["deleted"] and not one["text"] for one in view.messages.values())
        assert len(view.messages) == 20


async def test_a_killed_store_does_nothing_twice(tmp_path: Path) -> None:
    """Ada says, edits, reacts and deletes meanwhile: each thing is there once, in her order."""
    async with (
        EmbeddedStore(tmp_path, "the tests") as store,
        open_redis(store.url) as redis,
        writing(redis) as log,
    ):
        await make_room(redis, log, "lab")
        asked = partial(revision, redis, log, "lab")
        expected, done = View(), 0
        for number in range(30):
            text = f"text {number}"
            steps: list[Any] = [
                entry("lab", "ada", "first", f"m{number}"),
                await asked("edit", f"m{number}", message=text),
                await asked("reaction", f"m{number}", emoji="👍", action="add"),
            ]
            if number % 3 == 0:
                steps.append(await asked("delete", f"m{number}"))
            if number % 10 == 5:
                kill((await redis.info("server"))["process_id"])
            told = await asyncio.gather(*(log.append(step) for step in steps))
            assert [one.seq for one in told] == [done + 1 + at for at in range(len(steps))]
            done += len(steps)
            gone = number % 3 == 0
            expected.messages[f"m{number}"] = {
                "seq": told[0].seq,
                "sender": "ada",
                "text": "" if gone else text,
                "deleted": gone,
                "reactions": {} if gone else {"👍": ["ada"]},
            }
        view = View()
        view.take([one.envelope for one in await log.read("lab", 0, 1000)])
        assert view.messages == expected.messages
