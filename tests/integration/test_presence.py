"""Presence and typing as people in rooms see them."""

import asyncio

import pytest
from cast import http, unique
from chatting import Envelope, Server

from productflo.domain.typing import LEASE as TYPING_LEASE


def presences(heard: list[Envelope]) -> list[tuple[str, str, str | None]]:
    """Who was told to be what, and in which room."""
    return [
        (one["user_id"], one["data"]["status"], one.get("room_id"))
        for one in heard
        if one["code"] == "presence"
    ]


async def test_connecting_means_online(server: Server, room: str) -> None:
    """Told once to each connection that shares a room, however many rooms it shares; not to strangers."""
    ada, bob, eve = unique("ada", "bob", "eve")
    rooms = [room, f"{room}-2", f"{room}-3"]
    async with server.client(bob) as other, server.client(eve) as stranger, http(server, ada) as as_ada:
        for one in rooms:
            await other.join(one)
            assert (await as_ada.put(f"/api/rooms/{one}/members/{ada}")).status_code == 204
        await stranger.join(f"{room}-elsewhere")
        async with server.client(ada) as tab:
            await tab.say("ping")
            await tab.until("pong")
            await other.until("presence", sender=ada)
            for one in rooms:
                await tab.join(one)
        await other.chat(room, "so far")
        assert presences(other.heard).count((ada, "online", None)) == 1
        assert presences(other.heard + await stranger.settled()).count((ada, "online", None)) == 1


async def test_a_second_tab_is_nothing_new(server: Server, room: str) -> None:
    """Nor is closing one of two."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other, server.client(ada) as tab:
        await other.join(room)
        await tab.join(room)
        await other.until("join", user_id=ada)
        before = len(other.heard)
        async with server.client(ada) as second:
            await second.join(room)
        await tab.say("presence", status="busy")
        await other.until("presence", status="busy")
        assert presences(other.heard[before:]) == [(ada, "busy", None)]


@pytest.mark.parametrize("word", ["away", "busy", "offline"])
async def test_a_word_for_everywhere_is_told_in_every_room(server: Server, room: str, word: str) -> None:
    """To each once, and it is what a later joiner is shown."""
    ada, bob, eve = unique("ada", "bob", "eve")
    async with server.client(ada) as tab, server.client(bob) as other, server.client(eve) as late:
        for one in (room, f"{room}-2"):
            await tab.join(one)
            await other.join(one)
        await tab.say("presence", status=word, sender=ada)
        told = await other.until("presence", sender=ada, status=word)
        assert "room_id" not in told
        members = (await late.join(room))["data"]["members"]
        assert {member["id"]: member["presence"] for member in members}[ada] == word
        assert presences(await other.settled()).count((ada, word, None)) == 0


async def test_a_rooms_word_lasts_until_the_next_one_for_everywhere(server: Server, room: str) -> None:
    """It is told in that room only, and holds there only."""
    ada, bob, eve = unique("ada", "bob", "eve")
    elsewhere = f"{room}-2"
    async with server.client(ada) as tab, server.client(bob) as other, server.client(eve) as there:

        async def shown(in_room: str) -> str:
            members = (await other.join(in_room))["data"]["members"]
            return next(str(member["presence"]) for member in members if member["id"] == ada)

        for one in (room, elsewhere):
            await tab.join(one)
        await there.join(elsewhere)
        await other.join(room)
        await tab.say("presence", room, status="busy", sender=ada)
        assert (await other.until("presence", sender=ada, status="busy"))["room_id"] == room
        assert (await shown(room), await shown(elsewhere)) == ("busy", "online")
        assert (ada, "busy", room) not in presences(await there.settled())
        await tab.say("presence", status="away", sender=ada)
        await there.until("presence", sender=ada, status="away")
        assert (await shown(room), await shown(elsewhere)) == ("away", "away")


async def test_typing_is_told_to_the_others_and_ended_by_a_chat(server: Server, room: str) -> None:
    """Once, however often it is renewed; `stopped` follows the message; the typist hears neither."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await other.join(room)
        await tab.join(room)
        await other.until("join", user_id=ada)
        before = len(other.heard)
        for _ in range(3):
            await tab.say("typing", room, status="started", sender=ada)
        await tab.chat(room, "done")
        await other.until("typing", status="stopped")
        told = [(one["code"], one["data"].get("status")) for one in other.heard[before:]]
        assert [one for one in told if one[0] != "presence"] == [
            ("typing", "started"),
            ("chat_response", None),
            ("typing", "stopped"),
        ]
        assert "typing" not in [one["code"] for one in tab.heard + await tab.settled()]


async def test_typing_ends_with_its_connection(server: Server, room: str) -> None:
    """At once, told once; not after the lease, with which it ends where a process died."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other:
        await other.join(room)
        async with server.client(ada) as tab:
            await tab.join(room)
            await tab.say("typing", room, status="started", sender=ada)
            await other.until("typing", sender=ada, status="started")
        async with asyncio.timeout(TYPING_LEASE - 1):
            await other.until("typing", sender=ada, status="stopped")
        await other.settled()
        told = [one["data"]["status"] for one in other.heard if one["code"] == "typing"]
        assert told == ["started", "stopped"]


async def test_typing_ends_where_its_author_says_to_be_gone(server: Server, room: str) -> None:
    """Who is offline does not type."""
    ada, bob = unique("ada", "bob")
    async with server.client(bob) as other, server.client(ada) as tab:
        await other.join(room)
        await tab.join(room)
        await tab.say("typing", room, status="started")
        await tab.say("presence", status="offline")
        await other.until("presence", sender=ada, status="offline")
        await other.settled()
        told = [one["data"]["status"] for one in other.heard if one["code"] == "typing"]
        assert told == ["started", "stopped"]


async def test_a_late_joiner_sees_who_types(server: Server, room: str) -> None:
    """After the answer to the join."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as tab, server.client(bob) as other:
        await tab.join(room)
        await tab.say("typing", room, status="started", sender=ada)
        await tab.settled()
        await other.join(room)
        await other.until("typing", sender=ada, status="started")
        await other.settled()
        told = [one["code"] for one in other.heard if one["code"] in ("join", "typing")]
        assert told == ["join", "typing"]
