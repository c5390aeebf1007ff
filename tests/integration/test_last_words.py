"""Somebody who says a word and leaves has said it."""

from chatting import Server


async def test_messages_sent_just_before_leaving_are_in_the_log(server: Server, room: str) -> None:
    """Ten chats and a close, without waiting for anything: all ten are there, in their order."""
    async with server.client("ana") as ana:
        await ana.join(room)
        async with server.client("ben") as ben:
            for number in range(10):
                await ben.say("chat", room, message=f"word {number}", sender="ben")
        await ana.until("chat_response", message="word 9")
        said = [one["data"]["message"] for one in ana.heard if one["code"] == "chat_response"]
        assert said == [f"word {number}" for number in range(10)]
