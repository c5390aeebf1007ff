"""What guide says: only what stands in the room, and what it can do."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from rooms import TestRoom, listening, make_room, writing
from workers import working

from assistants.guide import guide
from productflo.protocol.codes import Kind
from productflo.store.events import RoomEvent, Typed
from productflo.store.presence import PresenceStore
from productflo.store.profiles import Profile, Profiles
from productflo.store.rooms import Member, Rooms


class Conversation:
    """A room with guide in it, and a way to ask."""

    def __init__(self, room: TestRoom, ended: object) -> None:
        self.room = room
        self._ended = ended

    async def ask(self, who: str, text: str) -> str:
        """What guide says to this; the answer is in the log when this returns."""
        before = len(await self.room.answers())
        await self.room.say(who, f"@guide {text}", wake=["guide"])
        await self._ended(before + 1)  # type: ignore[operator]
        return str((await self.room.answers())[-1]["message"])


@pytest.fixture
async def talk(redis: Redis, store_url: str) -> AsyncIterator[Conversation]:
    async with writing(redis) as log, listening(redis, "lab") as heard, working(store_url, guide):
        room = await make_room(redis, log, "lab", people=["ada", "bo", "cy"], assistants=["guide"])

        async def ended(count: int) -> None:
            def holds(events: list[RoomEvent]) -> bool:
                return sum(isinstance(one, Typed) and not one.started for one in events) >= count

            await heard.until(holds)

        yield Conversation(room, ended)


async def test_it_introduces_itself_once(talk: Conversation) -> None:
    """The first answer in a room says who is speaking; help lists what can be asked."""
    first = await talk.ask("ada", "help")
    assert first.startswith("Hello Ada, good to meet you - I am Guide")
    assert "**Who is here?**" in first
    assert "I make nothing up" in first
    assert not (await talk.ask("ada", "help")).startswith("Hello")
    assert (await talk.ask("ada", "hello")).startswith("Hello Ada!")


@pytest.mark.parametrize("question", ["what can you do?", "who are you?", "hello, what can you do?", "help"])
async def test_it_says_what_it_can_do(talk: Conversation, question: str) -> None:
    """However that is asked."""
    assert "You can ask me:" in await talk.ask("ada", question)


async def test_it_says_what_it_can_not_answer(talk: Conversation) -> None:
    """No model, no invention: the list of what it can do instead."""
    await talk.ask("ada", "hello")
    answer = await talk.ask("ada", "what is the yield strength of 6061-T6?")
    assert answer.startswith("That I can not answer: I only know what stands in this room.")


async def test_who_is_here(redis: Redis, talk: Conversation) -> None:
    """Those who are connected apart from those who are not, with what each is."""
    await PresenceStore(redis).beat([("ada", "c1"), ("bo", "c2")])
    answer = await talk.ask("ada", "who's here?")
    assert "**4 in this room.**" in answer
    here, away = answer.split("Not connected: ")
    assert "Ada (you)" in here
    assert "Bo" in here
    assert "Guide (assistant)" in here
    assert away == "Cy."


async def test_what_did_i_miss(talk: Conversation) -> None:
    """What others said since one's last word: calls for oneself first, then questions, then the rest."""
    await talk.room.say("ada", "I am off to lunch")
    assert "Nothing: nobody else" in await talk.ask("ada", "what did I miss?")
    await talk.room.say("bo", "Is the bracket aluminium?")
    await talk.room.say("cy", "Yes, 6061")
    answer = await talk.ask("ada", "what did I miss?")
    assert answer.startswith("**2 messages** since you last spoke, by Bo, Cy.")
    questions, rest = answer.split("The latest of the rest:")
    assert "Is the bracket aluminium?" in questions
    assert "Yes, 6061" in rest
    assert "off to lunch" not in answer


async def test_find(talk: Conversation) -> None:
    """Messages that hold all the words; none is told as none."""
    await talk.room.say("bo", "The Bracket is milled from **6061** by @ada")
    await talk.room.say("cy", "another bracket")
    answer = await talk.ask("ada", "find bracket 6061")
    assert answer.count("\n- ") == 1
    assert r"\*\*6061\*\*" in answer
    assert "@ada" not in answer, "a quotation must not call somebody again"
    none = await talk.ask("ada", "find unobtainium")
    assert "none of them has “unobtainium”" in none
    assert "What shall I look for?" in await talk.ask("ada", "find")


async def test_commands(talk: Conversation) -> None:
    """The same, asked by a command."""
    assert "You can ask me:" in await talk.ask("ada", "/help")
    assert "**4 in this room.**" in await talk.ask("ada", "/who")
    await talk.room.say("bo", "The bracket is milled")
    assert "**1 message** with “bracket”" in await talk.ask("ada", "/find bracket")
    assert "since you last spoke" in await talk.ask("ada", "/missed")


async def test_help_tells_of_the_others(redis: Redis, talk: Conversation) -> None:
    """What the room's other assistants do, what calls them, and which of them does not run."""
    does = {"summary": "What was said"}
    await Profiles(redis).register(Profile("scribe", "Scribe", "Sums up.", ("mention",), commands=does))
    membership = Rooms(redis)
    await membership.add_assistant("lab", Member("scribe", "Scribe", Kind.ASSISTANT), "mentions")
    answer = await talk.ask("ada", "help")
    assert answer.endswith(
        "**Scribe** (not running at the moment), called with `@scribe`: Sums up.\n- `/summary`: What was said"
    )
