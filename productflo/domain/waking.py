"""Whether a message wakes an assistant. Pure rules: everything they look at is passed in."""

from dataclasses import dataclass
from enum import StrEnum

from productflo.domain.mentions import CANDIDATE, CODE, TRAILING, mentioned


class Listens(StrEnum):
    """How an assistant listens in a room; the room's members choose it."""

    MENTIONS = "mentions"
    """When it is addressed: in a direct room, by a mention, by a reply."""
    ALL = "all"
    """To every message of a person."""
    OFF = "off"
    """Not at all."""


class Trigger(StrEnum):
    """What wakes an assistant. An assistant names those it wants; `ALL` is the room's to give."""

    DIRECT = "direct"
    MENTION = "mention"
    REPLY = "reply"
    ALL = "all"
    REQUEST = "request"
    """A typed request or a command that is for it: always wanted by the one that registered it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as the rule sees it. `replied_to` is the sender of the message that it answers.

    `hops` are the assistants' messages between an assistant's and a person's; `others` the other assistants
    that listen in the room; `requested` the assistant that a typed request or a command is for.
    """

    text: str
    from_assistant: bool
    replied_to: str | None = None
    hops: int = 0
    others: frozenset[str] = frozenset()
    requested: str | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """How many people and how many assistants are members of the room."""

    people: int
    assistants: int


ALONE = Company(people=1, assistants=1)
"""A direct room: whatever the person says is said to the assistant."""


def wakes(
    assistant: str,
    triggers: frozenset[Trigger],
    listens: Listens,
    heard: Heard,
    company: Company,
    max_hops: int = 0,
) -> Trigger | None:
    """What of `heard` wakes the assistant; None when nothing does.

    What an assistant says wakes another one only where it speaks to it, and only so many times after a
    person's word: assistants must not loop. What is said to one is not for those that hear everything.
    """
    if listens is Listens.OFF or (heard.from_assistant and heard.hops >= max_hops):
        return None
    if heard.requested is not None:
        return Trigger.REQUEST if heard.requested == assistant else None
    if listens is Listens.ALL:
        triggers = triggers | {Trigger.MENTION, Trigger.REPLY}
    if Trigger.MENTION in triggers and mentioned(heard.text, [assistant]):
        return Trigger.MENTION
    if Trigger.REPLY in triggers and heard.replied_to == assistant:
        return Trigger.REPLY
    if heard.from_assistant:
        return None
    if Trigger.DIRECT in triggers and company == ALONE:
        return Trigger.DIRECT
    if listens is Listens.ALL and not _speaks_to_one(heard):
        return Trigger.ALL
    return None


def _speaks_to_one(heard: Heard) -> bool:
    return heard.replied_to in heard.others or bool(mentioned(heard.text, heard.others))


def without_mention(text: str, member: str) -> str:
    """The text as one would say it to the member's face: `@haitch, why?` becomes `why?`.

    A mention goes from the beginning and from the end; within a sentence it is a part of it and stays.
    """
    for start, end in _mentions(text, member)[-1:]:
        if not text[end:].strip(" \t\r\n.,!?"):
            text = text[:start].rstrip(" ,") + text[end:]
    for start, end in _mentions(text, member)[:1]:
        if not text[:start].strip():
            text = text[end:].lstrip(" \t\r\n.,:;!-")
    return text.strip()


def _mentions(text: str, member: str) -> list[tuple[int, int]]:
    """Where the member is mentioned, from the `@` to the end of the id."""
    blanked = CODE.sub(lambda code: " " * len(code[0]), text)
    wanted = member.casefold()
    return [
        (found.start(), found.start(1) + len(member))
        for found in CANDIDATE.finditer(blanked)
        if wanted in (found[1].casefold(), found[1].casefold().rstrip(TRAILING))
    ]
