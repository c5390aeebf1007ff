"""Envelopes are read strictly, and what is wrong with one is said by the place to mend."""

from typing import Any

import orjson
import pytest

from productflo.errors import (
    CodeRequired,
    PermissionDenied,
    ProductFloError,
    RoomRequired,
    UnsupportedCode,
    ValidationFailed,
)
from productflo.protocol.answers import Pong
from productflo.protocol.codec import encode, in_parts, parse, validate
from productflo.protocol.codes import SERVER_ONLY
from productflo.protocol.inbound import (
    MAX_COMMENT,
    MAX_FILES,
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    MAX_TEXT,
    Chat,
    Reaction,
)
from productflo.protocol.messages import ChatResponse, ChatResponseData

NOON = "2026-06-01T12:00:00.000Z"


def chat(**changes: Any) -> dict[str, Any]:
    """A good chat with some fields changed; `...` takes one out, a dot reaches into its data."""
    envelope: dict[str, Any] = {
        "code": "chat",
        "user_id": "ada",
        "room_id": "lab",
        "data": {"message": "hello", "sender": "ada"},
    }
    for name, value in changes.items():
        holder = envelope["data"] if name.startswith("data_") else envelope
        field = name.removeprefix("data_")
        if value is ...:
            del holder[field]
        else:
            holder[field] = value
    return envelope


def refusal(envelope: dict[str, Any]) -> ProductFloError:
    """What is said of a bad envelope."""
    with pytest.raises(ProductFloError) as refused:
        validate(envelope)
    return refused.value


def nested(depth: int) -> dict[str, Any]:
    """Objects in objects."""
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_good_chat_is_read() -> None:
    """With every default filled in."""
    said = validate(chat())
    assert isinstance(said, Chat)
    assert (said.data.attached_files, said.data.metadata, said.data.message_id) == ([], {}, None)


def test_what_is_unknown_is_ignored() -> None:
    """So that a client of a later version is understood."""
    assert isinstance(validate(chat(colour="red", data_priority=1)), Chat)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "",
        b"",
        "hello",
        "{",
        '{"a":1} x',
        "[1]",
        "1",
        "null",
        b"\xff\xfe",
        '"\\ud800"',
        '{"a":NaN}',
        "{'a':1}",
        "[" * 2000,
        '{"a":' * 2000,
        '{"a":' + "9" * 400 + "e999}",
    ],
)
def test_what_is_no_json_object_is_said_to_be_none(message: str | bytes | None) -> None:
    """Whatever else was sent."""
    with pytest.raises(ValidationFailed):
        parse(message)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_id": ...}, "user_id"),
        ({"user_id": 5}, "user_id"),
        ({"user_id": "a b"}, "user_id"),
        ({"user_id": "a{b}"}, "user_id"),
        ({"user_id": "x" * 129}, "user_id"),
        ({"room_id": ""}, "room_id"),
        ({"room_id": ["lab"]}, "room_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 1_700_000_000}, "timestamp"),
        ({"request_id": "r" * 65}, "request_id"),
        ({"data": ...}, "data"),
        ({"data": None}, "data"),
        ({"data": "hello"}, "data"),
        ({"data_message": ...}, "data.message"),
        ({"data_message": 1}, "data.message"),
        ({"data_message": "  \n"}, "data.message"),
        ({"data_message": "x" * (MAX_TEXT + 1)}, "data.message"),
        ({"data_sender": ...}, "data.sender"),
        ({"data_sender": None}, "data.sender"),
        ({"data_message_id": ""}, "data.message_id"),
        ({"data_message_id": "two\nlines"}, "data.message_id"),
        ({"data_attached_files": "file_1"}, "data.attached_files"),
        ({"data_attached_files": ["f", 2]}, "data.attached_files.1"),
        ({"data_attached_files": ["f"] * (MAX_FILES + 1)}, "data.attached_files"),
        ({"data_reply_to": {}}, "data.reply_to"),
        ({"data_metadata": []}, "data.metadata"),
        ({"data_metadata": {"a": "x" * MAX_METADATA_BYTES}}, "data.metadata"),
    ],
)
def test_the_wrong_field_of_a_chat_is_named(changes: dict[str, Any], field: str) -> None:
    """As the field of the error, and at the beginning of its sentence."""
    error = refusal(chat(**changes))
    assert isinstance(error, ValidationFailed)
    assert error.field == field
    assert error.message.startswith(f"{field}: ")


@pytest.mark.parametrize("depth", [MAX_METADATA_DEPTH + 1, 250, 300, 1000])
def test_metadata_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    """What can be read but not written again, with a page of history around it, gets no further than here."""
    metadata = b'{"a":' * depth + b"{}" + b"}" * depth
    envelope = parse(orjson.dumps(chat(data_metadata="here")).replace(b'"here"', metadata))
    assert refusal(envelope).field == "data.metadata"


def test_metadata_may_be_nested() -> None:
    """Objects and lists alike, up to the limit."""
    metadata = {"a": nested(MAX_METADATA_DEPTH - 2)}
    assert validate(chat(data_metadata=metadata)).data.metadata == metadata  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "data", "field"),
    [
        ("join", {"stream": "yes"}, "data.stream"),
        ("join", {"since": -1}, "data.since"),
        ("join", {"since": 1.5}, "data.since"),
        ("join", {"since": 2**53}, "data.since"),
        ("join", {"generation": 7}, "data.generation"),
        ("typing", {"status": "thinking"}, "data.status"),
        ("typing", {}, "data.status"),
        ("read_receipt", {}, "data.message_id"),
        ("presence", {"status": "asleep"}, "data.status"),
        ("historic", {"limit": 0}, "data.limit"),
        ("historic", {"limit": 201}, "data.limit"),
        ("historic", {"limit": True}, "data.limit"),
        ("historic", {"before": 1, "after": 1}, "data.before"),
        ("historic", {"conversation_id": "a b"}, "data.conversation_id"),
        ("stop", {}, "data.message_id"),
        ("stop", {"message_id": "m", "run_id": "m.1"}, "data.message_id"),
    ],
)
def test_the_wrong_field_of_other_codes_is_named(code: str, data: dict[str, Any], field: str) -> None:
    """Each code has its own data."""
    assert refusal(chat(code=code, data=data)).field == field


def test_the_first_problem_is_told_and_the_others_are_counted() -> None:
    """One sentence, not a list."""
    assert "(2 more fields to mend.)" in refusal(chat(user_id=..., data_message=..., data_sender=...)).message
    assert "(1 more field to mend.)" in refusal(chat(user_id=..., data_message=...)).message


@pytest.mark.parametrize("code", [..., None, ""])
def test_the_code_comes_first(code: object) -> None:
    """Without one, nothing else is looked at."""
    envelope = {"data": 5} if code is ... else {"code": code, "data": 5}
    error = refusal(envelope)
    assert isinstance(error, CodeRequired)
    assert error.field == "code"


@pytest.mark.parametrize("code", ["shout", "CHAT", 7, [], {}, True])
def test_an_unknown_code_is_told_with_those_that_are_known(code: object) -> None:
    """Before a missing room is."""
    error = refusal({"code": code})
    assert isinstance(error, UnsupportedCode)
    assert "chat" in error.message


@pytest.mark.parametrize("code", sorted(SERVER_ONLY))
def test_what_only_the_server_says_is_denied(code: str) -> None:
    """Broadcasts among them, which go through the HTTP API."""
    error = refusal({"code": code})
    assert isinstance(error, PermissionDenied)
    assert "/api/broadcast" in error.message


@pytest.mark.parametrize("code", ["join", "leave", "chat", "typing", "read_receipt", "historic", "stop"])
def test_the_room_comes_before_the_other_fields(code: str) -> None:
    """A missing room is told before a missing user or data."""
    error = refusal({"code": code})
    assert isinstance(error, RoomRequired)
    assert error.field == "room_id"


@pytest.mark.parametrize("code", ["ping", "presence"])
def test_some_codes_need_no_room(code: str) -> None:
    """What is said for everywhere."""
    data = {"status": "away"} if code == "presence" else {}
    assert validate({"code": code, "user_id": "ada", "data": data}).room_id is None


def test_what_is_none_is_not_on_the_wire() -> None:
    """Optional fields are left out, not null."""
    told = orjson.loads(encode(Pong(timestamp=NOON)))
    assert told == {"status": "success", "code": "pong", "timestamp": NOON, "data": {}}


@pytest.mark.parametrize("mentions", [None, ["bob", "haitch"]])
def test_a_message_is_encoded_in_parts(mentions: list[str] | None) -> None:
    """Put together as the append script does it, it is JSON again, in the order of the model."""
    data = ChatResponseData(
        message='quote " and }},"sender":',
        sender="ada",
        message_id='m",1',
        attached_files=[],
        metadata={"a": {"b": {}}, "mentions": []},
        mentions=mentions,
    )
    parts = in_parts(ChatResponse(user_id="ada", room_id="lab", timestamp=NOON, data=data))
    placed = b',"accepted_at":"' + NOON.encode() + b'","seq":7'
    told = orjson.loads(parts.begin + parts.text + parts.by + parts.rest + placed + parts.mentions + b"}}")
    assert told["data"] == {**data.model_dump(exclude_none=True), "accepted_at": NOON, "seq": 7}
    assert list(told["data"])[:5] == ["message", "sender", "message_id", "attached_files", "metadata"]
    assert orjson.loads(b"{" + parts.text[:-1] + b"}") == {"message": 'quote " and }},"sender":'}


def about(code: str, **data: Any) -> dict[str, Any]:
    """An envelope about a message."""
    return {"code": code, "user_id": "ada", "room_id": "lab", "data": {"message_id": "m1", **data}}


@pytest.mark.parametrize("emoji", ["👍", "👩🏽‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", ":+1:", "shipit", "é", "x" * 64])
def test_an_emoji_or_a_short_name_is_a_reaction(emoji: str) -> None:
    """Whatever it is made of."""
    said = validate(about("reaction", emoji=emoji, action="add"))
    assert isinstance(said, Reaction)
    assert said.data.emoji == emoji


@pytest.mark.parametrize(
    "emoji",
    [
        "",
        " ",
        "two words",
        "a\nb",
        "\x00",
        "\x7f",
        '"',
        "\\",
        "\u202e",
        "\u2028",
        "x" * 65,
        "👍" * 17,
        5,
        None,
    ],
)
def test_anything_else_is_none(emoji: object) -> None:
    """It would not show, show differently, or be a text."""
    error = refusal(about("reaction", emoji=emoji, action="add"))
    assert (error.code, error.field) == ("VALIDATION_ERROR", "data.emoji")


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        (about("edit", message=" "), "data.message"),
        (about("edit", message="x" * (MAX_TEXT + 1)), "data.message"),
        (about("edit"), "data.message"),
        (about("edit", message="x", message_id=""), "data.message_id"),
        (about("delete", message_id=5), "data.message_id"),
        (about("reaction", emoji="x", action="toggle"), "data.action"),
        (about("feedback", rating="meh"), "data.rating"),
        (about("feedback", rating="up", comment="x" * (MAX_COMMENT + 1)), "data.comment"),
    ],
)
def test_what_is_wrong_with_a_revision_is_named(envelope: dict[str, Any], field: str) -> None:
    """By the place to mend."""
    error = refusal(envelope)
    assert (error.code, error.field) == ("VALIDATION_ERROR", field)
