"""What each step of a chat costs by itself, with warm caches: `python -m benchmarks.steps`.

No server and no socket: each step is done again and again with what it is given in a server, so its figure is
about the least that it costs there. Their sum is the floor under a chat's CPU time in Python. What a server
takes beyond it is the kernel's, the event loop's, and memory's that is not in the caches any more.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from hiredis import pack_command

from benchmarks.machine import describe, load_average
from benchmarks.systems import FILL
from productflo.domain.rates import Rate
from productflo.protocol import codec, frames
from productflo.protocol.inbound import ChatData
from productflo.server.connection import Frame, Joined
from productflo.server.feed import Feed
from productflo.server.rate_limits import RateLimits, Rates
from productflo.server.subscription import Subscription
from productflo.service.chat import Chat
from productflo.service.clock import system_clock
from productflo.store.entries import Entry
from productflo.store.events import decode

ROOM, USER = "r1", "u1"
MEMBERS = 4
BATCH = 4
"""Chats of a room that go to the store and come from it together."""
REPEATS, CALLS = 15, 2_000
UNLIMITED = Rate(1e9, 1_000_000)


def main() -> None:
    """Print microseconds a chat, and their sum."""
    print(f"{describe()}, load {load_average():.1f}\n\n| step | µs |\n| --- | ---: |")
    took = {name: microseconds(do) / chats for name, (chats, do) in steps().items()}
    for name, each in took.items():
        print(f"| {name} | {each:.1f} |")
    print(f"| **in all** | **{sum(took.values()):.1f}** |")


def steps() -> Mapping[str, tuple[int, Callable[[], object]]]:
    """By name: for how many chats it is done at once, and what is done."""
    text = _said()
    read, parser = frames.frame(text), frames.Parser(1 << 20)
    masked = bytes((read[0], read[1] | 0x80)) + read[2:4] + b"mask" + frames.unmask(read[4:], b"mask")
    envelope = codec.parse(text)
    said: Any = codec.validate(envelope)
    allowance = RateLimits(Rates(*[UNLIMITED] * 6)).allowance("")
    nobody: Any = None
    chat = Chat(nobody, nobody, nobody, nobody, system_clock)
    entry = _entry(chat, said.data, said.timestamp)
    feed, published = _feed(), _published(entry)

    def read_frame() -> None:
        parser.feed(masked)
        parser.next()

    def limit() -> None:
        allowance.pause(len(text))
        allowance.take("chat", USER)

    def hear() -> Feed:
        event: Any = decode(published)
        feed.seq = event.first_seq - 1
        for subscription in feed.subscriptions.values():
            subscription.cursor = feed.seq
        feed.logged(event)
        return feed

    return {
        "read the frame, and unmask it": (1, read_frame),
        "parse the JSON": (1, lambda: codec.parse(text)),
        "count it against the limits": (1, limit),
        "check it (one Pydantic model)": (1, lambda: codec.validate(envelope)),
        "encode the envelope, for the log": (1, lambda: _entry(chat, said.data, said.timestamp)),
        f"pack the script's call, {BATCH} chats in one": (BATCH, lambda: _call(entry)),
        f"hear of {BATCH} in one, write to {MEMBERS} members": (BATCH, hear),
    }


def microseconds(do: Callable[[], object]) -> float:
    """Of a call, in the best of some repeats: what disturbs only adds to it."""
    best = float("inf")
    for _ in range(REPEATS):
        began = time.process_time_ns()
        for _ in range(CALLS):
            do()
        best = min(best, (time.process_time_ns() - began) / CALLS / 1000)
    return best


class _Member:
    """A connection that takes what it is sent, as `Wire` does before it calls its transport."""

    address = ""
    closed = False

    def __init__(self, name: str) -> None:
        self.id = name

    def send(self, frame: Frame | Joined) -> None:
        if not self.closed:
            len(frame.frame)


def _said() -> bytes:
    data = {"message": FILL, "sender": USER, "message_id": f"{USER}-000000001234"}
    head = {"code": "chat", "user_id": USER, "room_id": ROOM, "timestamp": "2026-11-28T10:00:00.000Z"}
    return orjson.dumps({**head, "data": data})


def _entry(chat: Chat, data: ChatData, timestamp: str | None) -> Entry:
    if (entry := chat.plain(ROOM, data, timestamp)) is None:
        raise ValueError("The text has a name in it, or a file.")
    return entry


def _call(entry: Entry) -> bytes:
    keys = tuple(f"{{{ROOM}}}:key{number}" for number in range(13))
    args = [argument for _ in range(BATCH) for argument in entry.arguments()]
    packed: bytes = pack_command(("EVALSHA", "0" * 40, len(keys), *keys, *args))  # type: ignore[arg-type]
    return packed


def _feed() -> Feed:
    feed = Feed(ROOM)
    feed.start("1795858797630986", 0, 0)
    for number in range(MEMBERS):
        member: Any = _Member(f"c{number}")
        subscription = Subscription(member, f"u{number}", stream=False)
        feed.follow(subscription)
        feed.go_live(subscription)
    return feed


def _published(entry: Entry) -> bytes:
    parts = entry.parts
    envelope = parts.begin + parts.text + parts.by + b',"seq":1' + parts.rest + codec.SPLICED
    return b"\n".join([b'["log",1,"1795858797630986",1795858797630]', *[envelope] * BATCH])


if __name__ == "__main__":
    main()
