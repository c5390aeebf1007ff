"""The log against a simple model: dense, once each, duplicates told, conflicts refused."""

import asyncio
import re
from collections import defaultdict
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from rooms import entry, make_room, writing

from productflo.errors import Conflict, PermissionDenied
from productflo.protocol.timestamps import format_time
from productflo.store.connect import open_redis
from productflo.store.entries import Appended

ROOMS = ("lab", "hall")
PEOPLE = ("ada", "bob")
SAYINGS = st.tuples(
    st.sampled_from(ROOMS),
    st.sampled_from((*PEOPLE, "stranger")),
    st.sampled_from(("m1", "m2", "m3", "m4")),
    st.sampled_from(("hello", "bye")),
)
Saying = tuple[str, str, str, str]
Outcome = Appended | BaseException


class Model:
    """What the log must do with one saying after the other, as they were handed in."""

    def __init__(self) -> None:
        self.rooms: dict[str, list[Saying]] = defaultdict(list)

    def check(self, saying: Saying, outcome: Outcome) -> None:
        """Fail unless this is what should have come of the saying; take it in."""
        room, sender, message_id, _ = saying
        said = self.rooms[room]
        at = next((at for at, known in enumerate(said) if known[2] == message_id), None)
        if sender not in PEOPLE:
            assert isinstance(outcome, PermissionDenied)
        elif at is not None and said[at] == saying:
            assert isinstance(outcome, Appended)
            assert outcome.envelope is not None
            assert (outcome.seq, orjson.loads(outcome.envelope)["data"]["message_id"]) == (at + 1, message_id)
        elif at is not None:
            assert isinstance(outcome, Conflict)
        else:
            said.append(saying)
            assert isinstance(outcome, Appended)
            assert (outcome.seq, outcome.envelope) == (len(said), None)


async def say_all(redis: Redis, batches: list[list[Saying]]) -> tuple[Model, dict[str, list[Saying]]]:
    """Say them, each batch at once; the model, and what stands in the logs."""
    model, suffix = Model(), uuid4().hex
    async with writing(redis) as log:
        rooms = {name: await make_room(redis, log, f"{name}_{suffix}", people=PEOPLE) for name in ROOMS}
        for batch in batches:
            entries = [entry(rooms[room].name, sender, text, known) for room, sender, known, text in batch]
            outcomes = await asyncio.gather(*(log.append(one) for one in entries), return_exceptions=True)
            for saying, outcome in zip(batch, outcomes, strict=True):
                model.check(saying, outcome)
        stored: dict[str, list[Saying]] = {}
        for name, room in rooms.items():
            said = await room.said()
            assert [data["seq"] for data in said] == list(range(1, len(said) + 1))
            stored[name] = [(name, data["sender"], data["message_id"], data["message"]) for data in said]
    return model, stored


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(SAYINGS, min_size=1, max_size=12), max_size=6))
async def test_any_interleaving_of_appends(store_url: str, batches: list[list[Saying]]) -> None:
    """Several rooms, senders and repeated ids, handed in together and one after the other."""
    async with open_redis(store_url) as redis:
        model, stored = await say_all(redis, batches)
    assert {name: said for name, said in stored.items() if said} == {
        name: said for name, said in model.rooms.items() if said
    }


async def test_a_message_is_accepted_at_the_stores_time(redis: Redis) -> None:
    """In milliseconds and UTC, between the call and its answer (store and tests share a clock)."""
    async with writing(redis) as log:
        room = await make_room(redis, log, f"room_{uuid4().hex}")
        before = format_time(datetime.now(UTC))
        await room.say("ada", "now")
        after = format_time(datetime.now(UTC))
        (data,) = await room.said()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["accepted_at"])
    assert before <= data["accepted_at"] <= after
