"""What the pytest fixture `chat` gives: rooms for the tests of assistants, without a server.

    async def test_echo(chat):
        room = chat(echo, people=["ana", "bob"])
        answer = await room.say("ana", "@echo hello")
        assert answer.text == "You said: hello"

The fixture comes with the package; a test needs pytest and pytest-asyncio. For type checkers its type is
`Chat`.
"""

from assistants.rehearsal import Answer
from assistants.testing.model import Request, ScriptedModel
from assistants.testing.room import Chat, Room

__all__ = ["Answer", "Chat", "Request", "Room", "ScriptedModel"]
