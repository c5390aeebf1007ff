"""A room for the tests of an assistant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistants.configuration import Defaults, Misconfigured, Table
from assistants.errors import NotApproved
from assistants.fetch import NotRead, Source
from assistants.llm import ChatModel
from assistants.messages import Message
from assistants.plugin import Assistant
from assistants.preparation import Ready, prepare
from assistants.registry import Selection
from assistants.rehearsal import Answer, Rehearsal
from assistants.sources import Offer, Unusable
from assistants.testing.model import ScriptedModel
from productflo.protocol.requests import QUERY
from productflo.service.requests import told_by_fields

FIRST_WAIT = 0.01
"""Seconds before a model that fails, and names no time, is asked again: nobody waits here."""
NO_SETTINGS: Mapping[str, Any] = {}


class Room:
    """One assistant and some people. `model` is the model that the assistant speaks with, scripted."""

    def __init__(self, ready: Ready, people: Sequence[str], name: str) -> None:
        self.model = ScriptedModel(self._asked)
        self._assistant = ready.assistant.id
        self._people = tuple(people)
        self._stop: tuple[str, str] | None = None
        self._heard = ""
        self._attached: list[str] = []
        self._decisions: list[tuple[str, bool]] = []
        self._undecided: str | None = None
        self._pages: dict[str, Source] = {}
        self._rehearsal = Rehearsal(ready, people, self, room=name, hear=self._hear, decide=self._decide)

    @property
    def messages(self) -> list[Message]:
        """What was said, the assistant's answers among it, oldest first."""
        return list(self._rehearsal.messages)

    async def say(self, person: str, text: str, *, reply_to: Answer | Message | None = None) -> Answer:
        """Say something, and wait for what comes of it.

        Raises AssertionError where the assistant calls the model, or asks for an approval, more often than
        the test scripts.
        """
        files = self._take_files()
        question = self._rehearsal.add(self._known(person), text, files=files, reply_to=_id(reply_to))
        return await self._answer(question)

    async def request(self, person: str, code: str, **fields: Any) -> Answer:
        """Send the assistant a typed request that it registers, and wait for what comes of it."""
        query = fields.pop(QUERY, None)
        text = query or told_by_fields(code, fields)
        request = {**fields, "code": code, "assistant": self._assistant}
        question = self._rehearsal.add(self._known(person), text, files=self._take_files(), request=request)
        return await self._answer(question)

    async def _answer(self, question: Message) -> Answer:
        self._heard = ""
        async with self.model.serving() as address:
            model = ChatModel(api_key="scripted", base_url=address, first_wait=FIRST_WAIT)
            try:
                answer = await self._rehearsal.answer(question, model)
            finally:
                self._stop = None
                await model.aclose()
        if complaint := self.model.unexpected or self._undecided:
            raise AssertionError(complaint)
        return answer

    def attach(self, name: str, content: bytes | str) -> None:
        """Attach a file to what is said next. Its type is found from its content, as in a real room."""
        content = content.encode() if isinstance(content, str) else content
        self._attached.append(self._rehearsal.files.add(name, content, self._people[0]))

    def page(self, url: str, text: str, *, title: str = "") -> None:
        """Let there be a web page; any other address that the assistant reads can not be read."""
        self._pages[url] = Source(url, title, text)

    async def read(self, url: str) -> Source:
        """See `Pages.read`; of the pages that the test has written down."""
        if url not in self._pages:
            raise NotRead("The test has no such page; write room.page(...).")
        return self._pages[url]

    def approves(self, person: str) -> None:
        """Let somebody approve the next action that the assistant asks for."""
        self._decisions.append((self._known(person), True))

    def denies(self, person: str) -> None:
        """Let somebody deny the next action that the assistant asks for."""
        self._decisions.append((self._known(person), False))

    def stops(self, person: str, *, after: str = "") -> None:
        """Let somebody stop the next answer, once `after` was said in it.

        Without `after` they do so when the assistant has begun: at its first piece or its first call of the
        model.
        """
        self._stop = (self._known(person), after)

    @property
    def unused(self) -> str | None:
        """What is wrong where a part of the test's script was not used; None where all was."""
        if self._decisions:
            return f"nothing was asked for that {self._decisions[0][0]} could decide"
        return self.model.unused

    async def _decide(self, action: str, arguments: str) -> str:
        if not self._decisions:
            self._undecided = (
                f"the assistant asked for approval of {action!r} with {arguments}; "
                "write room.approves(...) or room.denies(...) before"
            )
            raise NotApproved("The test scripts no more decisions.")
        person, approved = self._decisions.pop(0)
        if not approved:
            raise NotApproved(f"{person} has denied it.")
        return person

    def _take_files(self) -> tuple[str, ...]:
        files, self._attached = tuple(self._attached), []
        return files

    def _hear(self, piece: str) -> None:
        self._heard += piece
        if self._stop and self._stop[1] in self._heard:
            self._rehearsal.stop(self._stop[0])

    def _asked(self) -> None:
        if self._stop and not self._stop[1]:
            self._rehearsal.stop(self._stop[0])

    def _known(self, person: str) -> str:
        if person not in self._people:
            raise ValueError(f"{person} is not in the room; write chat(..., people=[..., {person!r}])")
        return person


def _id(said: Answer | Message | None) -> str | None:
    message = said.message if isinstance(said, Answer) else said
    return message.id if message else None


class Chat:
    """The fixture `chat`: makes rooms, and sees at the end that their scripts were used up."""

    def __init__(self) -> None:
        self._rooms: list[Room] = []

    def __call__(
        self,
        assistant: Assistant[Any] | str,
        *,
        people: Sequence[str] = ("ana",),
        settings: Mapping[str, Any] = NO_SETTINGS,
        limits: Mapping[str, Any] = NO_SETTINGS,
        room: str = "room",
        file: str | Path | None = None,
    ) -> Room:
        """A room with an assistant and these people. With one person it answers everything; else mention it.

        `assistant` is one made with the decorator, or the name of one that is installed or stands in `file`,
        an assistants.toml. `settings` and `limits` are what an operator would set; nothing is taken from the
        environment. Raises ValueError for what an operator would be told by `productflo assistants check`.
        """
        try:
            ready = _ready(assistant, settings, limits, file)
        except (Unusable, Misconfigured) as error:
            raise ValueError(str(error)) from None
        made = Room(ready, people, room)
        self._rooms.append(made)
        return made

    def finish(self) -> None:
        """Raises AssertionError where a script was not used up."""
        complaints = [room.unused for room in self._rooms if room.unused]
        if complaints:
            raise AssertionError("\n".join(complaints))


def _ready(
    assistant: Assistant[Any] | str,
    settings: Mapping[str, Any],
    limits: Mapping[str, Any],
    file: str | Path | None,
) -> Ready:
    if isinstance(assistant, str):
        if settings or limits:
            raise ValueError("an assistant that is named takes settings and limits from its file")
        return Selection((), Path(file) if file else None, environ={}).find(assistant)
    table = Table(settings=dict(settings), limits=dict(limits))
    offer = Offer(assistant.id, "the test", lambda: assistant)
    return prepare(assistant.id, table, Defaults(), [offer], [assistant.id], {})
