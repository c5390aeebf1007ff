"""What an assistant may register, whom a request wakes, and what a request becomes."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from assistants import Context, Message, assistant
from assistants.documentation import documentation, named_in
from assistants.engineering import CHECKS, engineering
from assistants.guide import guide
from assistants.haitch import haitch
from assistants.idea import idea
from assistants.outlines import OUTLINES
from assistants.requests import BadRequest, read
from assistants.scribe import scribe
from productflo.domain.waking import Company, Heard, Listens, Trigger, wakes
from productflo.protocol.codes import Code
from productflo.protocol.requests import Discipline, DocType, IdeaData, answer_code
from productflo.service.requests import COMMAND

ALL = frozenset({Trigger.DIRECT, Trigger.MENTION, Trigger.REPLY})


class Part(BaseModel):
    part: str


class Taken(BaseModel):
    code: str


async def answers(ctx: Context) -> AsyncIterator[str]:
    yield ctx.text


@pytest.mark.parametrize(
    ("registered", "told"),
    [
        ({"requests": {"chat": Part}}, "no code of the protocol"),
        ({"requests": {"idea_response": Part}}, "no code of the protocol"),
        ({"requests": {"my_response": Part}}, "no `_response` at the end"),
        ({"requests": {"Bom": Part}}, "lower-case letters"),
        ({"requests": {"bom": dict}}, "subclass of pydantic.BaseModel"),
        ({"requests": {"bom": Taken}}, "may not be called code"),
        ({"commands": {"/sum": "Adds"}}, "without the /"),
        ({"commands": {"sum": " "}}, "what the command sum does"),
        ({"commands": {"sum": "x" * 121}}, "what the command sum does"),
    ],
)
def test_what_can_not_be_registered(registered: dict[str, Any], told: str) -> None:
    """It is told where the module is imported, with what to write instead."""
    with pytest.raises((ValueError, TypeError), match=told):
        assistant("x", **registered)(answers)


@pytest.mark.parametrize("listens", [Listens.MENTIONS, Listens.ALL])
@pytest.mark.parametrize("text", ["hello", "@haitch hello"])
def test_a_request_is_for_one(listens: Listens, text: str) -> None:
    """Whatever else it says and whoever else listens; an assistant that is off stays so."""
    heard = Heard(text, False, requested="idea")
    direct = Company(1, 1)
    assert wakes("idea", frozenset(), listens, heard, direct) is Trigger.REQUEST
    assert wakes("haitch", ALL, listens, heard, direct) is None
    assert wakes("idea", ALL, Listens.OFF, heard, direct) is None


def test_a_request_is_read_from_its_message() -> None:
    """The text is the query as it is now; fields that the model does not take are told by name."""
    info = {"code": "idea", "assistant": "idea", "count": 3}
    message = Message("m1", 1, "ana", "A hinge, edited", "2026-11-28T12:00:00.000Z", request=info)
    assert read(idea.requests, message) == IdeaData(query="A hinge, edited", count=3)
    assert read(haitch.requests, message) is None
    wrong = Message("m1", 1, "ana", "A hinge", "2026-11-28T12:00:00.000Z", request={**info, "count": 300})
    with pytest.raises(BadRequest, match=r"data\.count"):
        read(idea.requests, wrong)


def test_codes_of_answers() -> None:
    """haitch_chat, commands and chats are answered as chats."""
    for code in (None, "haitch_chat", "/summary"):
        assert answer_code(code) == Code.CHAT_RESPONSE
    assert answer_code("idea") == Code.IDEA_RESPONSE
    assert answer_code("bom_check") == "bom_check_response"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/summary", "summary"),
        ("  /Summary of today", "Summary"),
        ("/a-b_2\nmore", "a-b_2"),
        ("/usr/bin", None),
        ("/", None),
        ("/ summary", None),
        ("say /summary", None),
        ("//summary", None),
        ("/summary.", None),
        ("/" + "x" * 33, None),
    ],
)
def test_what_is_a_command(text: str, name: str | None) -> None:
    """The first word, with one slash before it and a space or nothing after it."""
    found = COMMAND.match(text)
    assert (found["name"] if found else None) == name


def test_every_kind_of_document_has_an_outline_and_a_name() -> None:
    """So that it can be asked for in words as well as in a request."""
    assert set(OUTLINES) == set(get_args(DocType))
    assert set(CHECKS) == set(get_args(Discipline))
    for doc_type, outline in OUTLINES.items():
        assert named_in(f"Please write a {doc_type.replace('_', ' ')} for the bracket") == doc_type
        for name in outline.also:
            assert named_in(f"a {name}, please") in OUTLINES
    assert named_in("write something") is None


def test_no_two_of_ours_have_the_same_command() -> None:
    """They may all be in one room."""
    ours = (guide, haitch, scribe, idea, documentation, engineering)
    commands = [name for one in ours for name in one.commands]
    assert len(commands) == len(set(commands))
