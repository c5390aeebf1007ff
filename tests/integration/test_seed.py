"""The user's specification of the chat, example by example, against a running server.

The examples stand here as the page prints them; a reader's remark after `//` is no part of the JSON.
"""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chatting import Client, Envelope, Server, web_process

from productflo.store.embedded import EmbeddedStore

# Sending Chat Messages

CHAT = """
{
  "code": "chat",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "message": "Hello, how's the design coming along?",
    "sender": "user_456",
    "message_id": "msg_abc123",
    "attached_files": ["file_789"]
  }
}
"""

# Receiving Chat Messages

RECEIVED = """
{
  "status": "success",
  "code": "chat_response",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "timestamp": "2023-05-01T12:34:56.789Z",
  "data": {
    "message": "Hello, how's the design coming along?",
    "sender": "user_456",
    "message_id": "msg_xyz",
    "attached_files": [],
    "metadata": {
      "sent_from_device": "web"
    }
  }
}
"""

# Typing Indicators

TYPING = """
{
  "code": "typing",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "status": "started", // or "stopped"
    "sender": "user_456"
  }
}
"""

# Read Receipts

READ_RECEIPT = """
{
  "code": "read_receipt",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "message_id": "msg_xyz",
    "sender": "user_456"
  }
}
"""

# Presence Updates

PRESENCE = """
{
  "code": "presence",
  "user_id": "user_456",
  "data": {
    "status": "online", // online, offline, away, busy
    "sender": "user_456"
  }
}
"""

# Conversation Rooms

JOIN = """
{
  "code": "join",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {}
}
"""

HISTORIC = """
{
  "code": "historic",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "message": "Load conversation history",
    "product_id": "product_789",
    "conversation_id": "conversation_123"
  }
}
"""

PRESENCE_IN_ROOM = """
{
  "code": "presence",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "sender": "user_456",
    "status": "online"
  }
}
"""

# Message Metadata

METADATA = """
{
  "code": "chat",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "message": "Check out these design specs",
    "sender": "user_456",
    "metadata": {
      "importance": "high",
      "category": "design_review",
      "tags": ["urgent", "review"]
    }
  }
}
"""

# File Attachments

ATTACHMENTS = """
{
  "code": "chat",
  "user_id": "user_456",
  "room_id": "conversation_123",
  "data": {
    "message": "Here are the updated CAD files",
    "sender": "user_456",
    "attached_files": ["file_123", "file_456"]
  }
}
"""

ROOM = "conversation_123"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def printed(example: str) -> Envelope:
    """The JSON of an example, without the remarks."""
    envelope: Envelope = json.loads(re.sub(r" // .*", "", example))
    return envelope


def named(message_id: str) -> str:
    """The chat example under another message id, for the receipt that names one."""
    return json.dumps(printed(CHAT) | {"data": {**printed(CHAT)["data"], "message_id": message_id}})


async def send(client: Client, example: str) -> None:
    """Send an example as it is printed, less the remarks."""
    await client.send(re.sub(r" // .*", "", example))


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Server]:
    """A server on an empty store of its own."""
    async with (
        EmbeddedStore(tmp_path, "the seed") as store,
        web_process(tmp_path, REDIS_URL=store.url) as server,
    ):
        yield server


async def test_the_page_from_top_to_bottom(fresh: Server) -> None:
    """Every example works as printed, in the page's order, on a fresh store, before anybody has joined."""
    async with fresh.client("user_456") as user, fresh.client("user_9") as other:
        await send(user, CHAT)
        said = await user.until("chat_response", message_id="msg_abc123")
        assert said["data"]["attached_files"] == ["file_789"]
        await other.join(ROOM)

        await send(user, TYPING)
        assert (await other.until("typing"))["data"] == {"status": "started", "sender": "user_456"}

        await send(user, named("msg_xyz"))
        await send(user, READ_RECEIPT)
        assert (await other.until("read_receipt"))["data"]["message_id"] == "msg_xyz"
        assert (await user.until("read_receipt"))["data"]["read_seq"] == 2

        await send(user, PRESENCE)
        assert "room_id" not in await user.until("presence", sender="user_456")

        await send(user, JOIN)
        joined = await user.until("join", user_id="user_456", last_seq=2)
        assert {"user_456", "user_9", "guide"} <= {member["id"] for member in joined["data"]["members"]}

        await send(user, HISTORIC)
        page = (await user.until("historic_response"))["data"]
        assert [message["message_id"] for message in page["messages"]] == ["msg_abc123", "msg_xyz"]

        await send(user, PRESENCE_IN_ROOM)
        assert (await other.until("presence", room_id=ROOM))["data"]["status"] == "online"

        await send(user, METADATA)
        metadata = (await other.until("chat_response", message="Check out these design specs"))["data"][
            "metadata"
        ]
        assert metadata == {
            "importance": "high",
            "category": "design_review",
            "tags": ["urgent", "review"],
            "sent_from_device": "web",
        }

        await send(user, ATTACHMENTS)
        files = (await other.until("chat_response", message="Here are the updated CAD files"))["data"]
        assert files["attached_files"] == ["file_123", "file_456"]
        assert not [one for one in user.heard + other.heard if one["status"] == "error"]


EXAMPLES = {
    "chat": (CHAT, "chat_response"),
    "presence": (PRESENCE, "presence"),
    "join": (JOIN, "join"),
    "historic": (HISTORIC, "historic_response"),
    "presence in a room": (PRESENCE_IN_ROOM, "presence"),
    "metadata": (METADATA, "chat_response"),
    "attachments": (ATTACHMENTS, "chat_response"),
}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_alone_after_a_join(fresh: Server, name: str) -> None:
    """Each example works by itself, and is answered to its sender."""
    example, answer = EXAMPLES[name]
    async with fresh.client("user_456") as user:
        await send(user, JOIN)
        await user.until("join")
        await send(user, example)
        assert (await user.until(answer, user_id="user_456"))["status"] == "success"


async def test_typing_alone_after_a_join(fresh: Server) -> None:
    """The others see it, the one who types does not; `stopped` ends it."""
    async with fresh.client("user_456") as user, fresh.client("user_9") as other:
        await send(user, JOIN)
        await other.join(ROOM)
        await send(user, TYPING)
        await other.until("typing", status="started")
        await send(user, TYPING.replace('"started"', '"stopped"'))
        await other.until("typing", status="stopped")
        assert not [one for one in await user.settled() if one["code"] == "typing"]


async def test_a_read_receipt_alone_after_a_join(fresh: Server) -> None:
    """The message that it names has been said before; all hear the receipt."""
    async with fresh.client("user_456") as user:
        await send(user, JOIN)
        await send(user, named("msg_xyz"))
        await user.until("chat_response", message_id="msg_xyz")
        await send(user, READ_RECEIPT)
        assert (await user.until("read_receipt", sender="user_456"))["data"]["read_seq"] == 1


async def test_a_received_message_has_the_printed_shape(fresh: Server) -> None:
    """Same fields, same order, same formats; what the server adds comes after."""
    async with fresh.client("user_456") as user:
        await send(user, CHAT.replace('["file_789"]', "[]"))
        received = await user.until("chat_response")
        shape = printed(RECEIVED)
        assert list(received) == list(shape)
        assert list(received["data"])[: len(shape["data"])] == list(shape["data"])
        assert TIMESTAMP.fullmatch(received["timestamp"])
        assert received["data"]["metadata"] == {"sent_from_device": "web"}


@pytest.mark.parametrize("status", ["online", "away", "busy", "offline"])
async def test_every_presence_of_the_page(fresh: Server, status: str) -> None:
    """The four words of the presence example are understood."""
    async with fresh.client("user_456") as user:
        await send(user, JOIN)
        await send(user, PRESENCE.replace('"online"', f'"{status}"'))
        await user.until("presence", sender="user_456", status=status)
        assert user.heard[-1]["data"] == {"status": status, "sender": "user_456"}


@pytest.mark.parametrize("field", ["code", "user_id", "room_id", "data.message", "data.sender"])
async def test_a_required_field_is_named_when_it_is_missing(fresh: Server, field: str) -> None:
    """The page's required fields of a chat; the connection goes on."""
    envelope = printed(CHAT)
    holder, name = (envelope["data"], field.removeprefix("data.")) if "." in field else (envelope, field)
    del holder[name]
    async with fresh.client("user_456") as user:
        await user.send(envelope)
        assert (await user.error())["field"] == field
        await send(user, CHAT)
        await user.until("chat_response", message_id="msg_abc123")
        assert user.heard[-1]["status"] == "success"


@pytest.mark.parametrize("message_id", [None, "msg_mine"])
async def test_ids_and_times_are_made_where_they_are_not_given(fresh: Server, message_id: str | None) -> None:
    """Optional fields: message_id and timestamp are the client's where it gives them, else the server's."""
    envelope = printed(METADATA) | {"timestamp": "2024-02-03T04:05:06+02:00"}
    if message_id:
        envelope["data"]["message_id"] = message_id
    async with fresh.client("user_456") as user:
        await user.send(envelope)
        received = await user.until("chat_response")
        assert received["timestamp"] == "2024-02-03T02:05:06.000Z"
        assert received["data"]["message_id"] == message_id or received["data"]["message_id"].startswith(
            "msg_"
        )


async def test_clients_can_not_broadcast(fresh: Server) -> None:
    """Broadcasts go through the API, for security reasons."""
    async with fresh.client("user_456") as user:
        await user.say("broadcast", ROOM, message="to everybody", rooms=["a", "b"])
        assert (await user.error())["code"] == "PERMISSION_DENIED"
