"""A worker that is killed while a question goes from one who stays silent to the next."""

import sys
from pathlib import Path

import pytest
from faults.quick_workers import messages, paths
from processes import environment, kill, running
from redis.asyncio import Redis
from rooms import listening, make_room, writing

from productflo.protocol.codes import Kind
from productflo.store.rooms import Member, Rooms

SILENT_WORKER = (sys.executable, str(Path(__file__).with_name("silent_worker.py")))
SETTLED = 2.5
"""Seconds in which leases end, and workers have swept several times: nothing comes after as much quiet."""


@pytest.mark.parametrize(("dies", "asked_again"), [("before", True), ("after", False)])
async def test_a_question_is_passed_on_once(
    tmp_path: Path, redis: Redis, store_url: str, dies: str, asked_again: bool
) -> None:
    """Dead just before, the silent one is asked again; dead just after, it is not, and the lost wake-up is
    made good. Either way the next one answers, once."""
    env = {**environment(tmp_path), **paths(tmp_path)}
    async with writing(redis) as log, listening(redis, "lab") as heard:
        room = await make_room(redis, log, "lab", assistants=("anna", "bert"))
        for one in ("anna", "bert"):
            await Rooms(redis).add_assistant("lab", Member(one, one, Kind.ASSISTANT), "all")
        async with running(*SILENT_WORKER, store_url, "--dies", dies, env=env) as dying:
            await dying.says("at work")
            question = await room.say("ada", "why?", wake=["anna"])
            await dying.ends()
        async with running(*SILENT_WORKER, store_url, env=env) as other:
            await heard.until(messages(2))
            await heard.quiet(SETTLED)
            kill(other.pid)
            await other.ends()
    assert [answer["reply_to"] for answer in await room.answers()] == [question]
    assert [answer["sender"] for answer in await room.answers()] == ["bert"]
    assert other.lines.count("anna is asked why?") == asked_again
