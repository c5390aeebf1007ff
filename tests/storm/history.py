"""A room's history as a client pages it, and as the log says that it must be."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from storm.findings import Finding, Kind
from storm.journal import Heard, edited_words_of, words_of
from websockets.asyncio.client import connect

PAGE = 200


@dataclass(slots=True)
class Message:
    """A message as it is now."""

    message_id: str
    words: str
    deleted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)


def folded(log: Sequence[Heard]) -> dict[int, Message]:
    """The messages of a log by seq, with everything that was done to them since."""
    messages: dict[int, Message] = {}
    by_id: dict[str, Message] = {}
    for event in log:
        kind, *about = event.operation.split(" ")
        if not about:
            messages[event.seq] = by_id[kind] = Message(kind, words_of(kind))
        elif message := by_id.get(about[-1] if kind in ("edit", "delete") else about[1]):
            _revise(message, kind, about)
    return messages


def _revise(message: Message, kind: str, about: Sequence[str]) -> None:
    match kind, about:
        case "edit", [message_id]:
            message.words = edited_words_of(message_id)
        case "delete", _:
            message.words, message.deleted, message.reactions = "", True, {}
        case "add", [emoji, _, who]:
            message.reactions.setdefault(emoji, []).append(who)
        case "remove", [emoji, _, who] if who in message.reactions.get(emoji, ()):
            message.reactions[emoji].remove(who)
            if not message.reactions[emoji]:
                del message.reactions[emoji]


def compare(log: Sequence[Heard], pages: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """What is wrong with a room's history, given as the messages of all its pages."""
    told = {
        data["seq"]: Message(
            data["message_id"], data["message"], data.get("deleted", False), data.get("reactions", {})
        )
        for data in pages
    }
    expected = folded(log)
    for seq in sorted(told.keys() | expected.keys()):
        if told.get(seq) != expected.get(seq):
            yield Finding(
                Kind.UNTRUE, f"history tells {told.get(seq)} of {seq}, which is {expected.get(seq)}"
            )
    if [data["seq"] for data in pages] != sorted(told):
        yield Finding(Kind.OUT_OF_ORDER, "the pages of history are not in order, or tell something twice")


async def of_history(url: str, room: str, log: Sequence[Heard]) -> list[Finding]:
    """What is wrong with a room's history, read page by page through a web process."""
    try:
        return list(compare(log, await read_history(url, room, "historian")))
    except Refused as refusal:
        return [Finding(Kind.UNTRUE, f"history can not be read: {refusal}")]


class Refused(Exception):
    """The server did not give a page of history."""


async def read_history(url: str, room: str, user: str) -> list[dict[str, Any]]:
    """All messages of a room, oldest first, as they are told to `user`, who becomes a member.

    Raises `Refused`.
    """
    messages: list[dict[str, Any]] = []

    def envelope(code: str, **data: Any) -> bytes:
        return orjson.dumps({"code": code, "user_id": user, "room_id": room, "data": data})

    async with connect(url, compression=None, max_size=None) as socket:
        asked = envelope("join")
        await socket.send(asked, text=True)
        async for message in socket:
            told = orjson.loads(message)
            data = told["data"]
            if told["status"] == "error":
                if data["code"] != "STORE_AWAY":
                    raise Refused(data)
                await asyncio.sleep(data["retry_after"])  # After the last kill of a busy storm.
            elif told["code"] == "historic_response":
                messages += data["messages"]
                if not data["has_more"]:
                    break
                asked = envelope("historic", after=messages[-1]["seq"], limit=PAGE)
            elif told["code"] == "join" and "generation" in data:
                asked = envelope("historic", after=0, limit=PAGE)
            else:
                continue
            await socket.send(asked, text=True)
    return messages
