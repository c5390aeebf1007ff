"""Whether a message wakes an assistant. Pure rules: everything they look at is passed in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Listens(StrEnum):
    """How an assistant listens in a room; the room's members choose it."""

    MENTIONS = "mentions"
    """When it is addressed: in a direct room, by a mention, by a reply."""
    ALL = "all"
    """To every message of a person."""
    OFF = "off"
    """Not at all."""


class Trigger(StrEnum):
    """Why an assistant woke. An assistant names the ones it wants; `ALL` is the room's to give."""

    DIRECT = "direct"
    MENTION = "mention"
    REPLY = "reply"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as the rule sees it. `replied_to` is the sender of the message that it answers."""

    text: str
    from_assistant: bool
    replied_to: str | None


@dataclass(frozen=True, slots=True)
class Company:
    """How many people and how many assistants are members of the room."""

    people: int
    assistants: int


FENCED_CODE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?)??(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.M | re.S)
CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.S)
MENTION = re.compile(r"(?<![A-Za-z0-9_.:@/-])@(?P<id>[A-Za-z0-9_.:@-]+)")
SENTENCE_END = ".:-@"
"""Characters that an id may contain but that more often end the sentence around it: `thanks @haitch.`"""


def wakes(assistant_id: str, triggers: frozenset[Trigger], listens: Listens, heard: Heard, company: Company) -> Trigger | None:
    """Why `heard` wakes the assistant, or None when it does not.

    What an assistant says never wakes another one, whatever it contains: assistants must not loop.
    """
    if listens is Listens.OFF or heard.from_assistant:
        return None
    if listens is Listens.ALL:
        return Trigger.ALL
    if Trigger.DIRECT in triggers and company == Company(people=1, assistants=1):
        return Trigger.DIRECT
    if Trigger.MENTION in triggers and mentions(heard.text, assistant_id):
        return Trigger.MENTION
    if Trigger.REPLY in triggers and heard.replied_to == assistant_id:
        return Trigger.REPLY
    return None


def mentions(text: str, member_id: str) -> bool:
    """Whether `@member_id` stands in the text: in any case, at a word's start, outside of code."""
    return any(_names(found, member_id) for found in _found(text))


def without_mention(text: str, member_id: str) -> str:
    """The text as one would say it to `member_id`'s face: `@haitch, why?` becomes `why?`.

    Only a mention at the start or the end goes; in the middle of a sentence it is a part of it.
    """
    spans = [_span(found, member_id) for found in _found(text) if _names(found, member_id)]
    for start, end in spans[-1:]:
        if not text[end:].strip(" \t\r\n.!?,"):
            text = text[:start].rstrip(" ,") + text[end:]
    for start, end in spans[:1]:
        if not text[:start].strip():
            text = text[end:].lstrip(" ,:;-")
    return text.strip()


def _found(text: str) -> Iterator[re.Match[str]]:
    return MENTION.finditer(_without_code(text))


def _without_code(text: str) -> str:
    """The text with its code blanked, so that positions stay what they were."""
    for code in (FENCED_CODE, CODE_SPAN):
        text = code.sub(lambda found: " " * len(found[0]), text)
    return text


def _names(found: re.Match[str], member_id: str) -> bool:
    wanted, said = member_id.casefold(), found["id"].casefold()
    return said == wanted or said.rstrip(SENTENCE_END) == wanted


def _span(found: re.Match[str], member_id: str) -> tuple[int, int]:
    return found.start(), found.start("id") + len(member_id)
