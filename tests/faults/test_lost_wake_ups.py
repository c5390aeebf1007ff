"""Workers that stand still or die while they have a wake-up: somebody else has to be told of the room."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import faults.quick_workers
from answers import finished
from faults.quick_workers import SETTLED, a_piece, ask, run_ids, worker
from processes import kill
from rooms import PATIENCE, Listener, TestRoom

IDLE = 2.5
"""Seconds until an unfinished wake-up is reclaimed: three leases, of which the takeover takes one."""
room, heard = faults.quick_workers.room, faults.quick_workers.heard


@asynccontextmanager
async def reclaimed_while_held(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, *without: str
) -> AsyncIterator[None]:
    """A worker stands still in mid-answer; another one finds its wake-up while the lease still holds; then
    the first one dies. Nobody sweeps. In the block the other one is left."""
    slowly = ("--lease", "2", "--idle", "0.4", "--sweep", "600", *without)
    async with worker(tmp_path, store_url, *slowly) as first, worker(tmp_path, store_url, *slowly) as other:
        await first.says("at work")
        other.process.send_signal(signal.SIGSTOP)
        await ask(room, 0)
        await heard.until(a_piece)
        (before,) = await pending(room)
        first.process.send_signal(signal.SIGSTOP)
        other.process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(PATIENCE):
            while await pending(room) == [before]:
                await heard.quiet(0.05)
        kill(first.pid)
        yield


async def pending(room: TestRoom) -> list[str]:
    """The worker that has each wake-up that is not done with."""
    found = await room.redis.xpending_range("ready:echo", "workers", "-", "+", 10)
    return [one["consumer"].decode() for one in found]


async def test_a_wake_up_that_is_found_while_the_lease_holds_stays(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """It may be the holder's own: when that one dies, it is all that tells of the room."""
    async with reclaimed_while_held(tmp_path, store_url, room, heard):
        await heard.until(finished())
    assert len(await room.answers()) == 1


async def test_without_that_rule_the_question_would_be_lost(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """The control, until somebody sweeps."""
    async with reclaimed_while_held(tmp_path, store_url, room, heard, "--without", "held"):
        await heard.quiet(2 + SETTLED)
    assert await room.answers() == []


async def taken_over_and_again(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener, *without: str
) -> int:
    """A worker sleeps through its lease, and another one takes its wake-up and its answer over; it wakes up,
    and the other one dies. Nobody sweeps. Returns how many answers there are in the end."""
    # Nobody reclaims the wake-up before the first worker has looked, which would wait for the other's lease.
    unswept = ("--sweep", "600", "--idle", str(IDLE), *without)
    async with worker(tmp_path, store_url, *unswept) as first:
        await first.says("at work")
        await ask(room, 0)
        await heard.until(a_piece)
        first.process.send_signal(signal.SIGSTOP)
        async with worker(tmp_path, store_url, *unswept) as other:
            await heard.until(lambda events: len(run_ids(heard)) == 2)
            first.process.send_signal(signal.SIGCONT)
            so_far = len(heard.events)
            await heard.until(
                lambda events: len(events) >= so_far + 10
            )  # It has looked at its lease by then.
            kill(other.pid)
        await heard.quiet(IDLE + SETTLED + 2.0)
    return len(await room.answers())


async def test_whoever_lost_the_lease_leaves_the_wake_up(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """It is the new holder's; when that one dies, it is all that tells of the room."""
    assert await taken_over_and_again(tmp_path, store_url, room, heard) == 1


async def test_with_the_wake_up_done_the_question_would_be_lost(
    tmp_path: Path, store_url: str, room: TestRoom, heard: Listener
) -> None:
    """The control, until somebody sweeps."""
    assert await taken_over_and_again(tmp_path, store_url, room, heard, "--without", "done") == 0
