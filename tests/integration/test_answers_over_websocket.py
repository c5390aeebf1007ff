"""Stopping answers and asking for them anew, as a client does; and who may, as a room says."""

from answers import Gates, gates, waits
from cast import http, unique
from chatting import Server
from workers import working

__all__ = ["gates"]


async def test_an_answer_is_stopped_and_given_anew(
    server: Server, store_url: str, room: str, gates: Gates
) -> None:
    """With the codes `stop` and `regenerate`; what is wrong with them is told by field."""
    (named,) = unique("ada")
    async with working(store_url, waits(gates)), server.client(named) as ada, http(server, named) as web:
        await ada.join(room)
        assert (await web.put(f"/api/rooms/{room}/assistants/echo", json={})).status_code == 204
        await ada.chat(room, "@echo hello")
        writing = await ada.until("typing", user_id="echo", status="started")
        await gates.reached.wait()
        answer = writing["data"]["message_id"]
        await ada.say("regenerate", room, message_id=answer)
        assert (await ada.error())["code"] == "CONFLICT"
        await ada.say("stop", room, message_id=answer)
        stopped = await ada.until("chat_response", user_id="echo")
        assert stopped["data"]["assistant"]["stopped_by"] == named
        gates.opened.set()
        await ada.say("regenerate", room, message_id=answer)
        anew = await ada.until("chat_response", user_id="echo", message="one two")
        assert anew["data"]["assistant"]["regenerates"] == answer
        assert anew["data"]["reply_to"] == stopped["data"]["reply_to"]
        await ada.say("regenerate", room, message_id="nothing")
        error = await ada.error()
        assert (error["code"], error["field"]) == ("NOT_FOUND", "data.message_id")


async def test_a_room_says_who_may_stop(server: Server, room: str) -> None:
    """Its creator over HTTP, and nobody else; the room tells it."""
    ada, bob = unique("ada", "bob")
    async with server.client(ada) as one, server.client(bob) as other:
        await one.join(room)
        await other.join(room)
        async with http(server, ada) as hers, http(server, bob) as his:
            path = f"/api/rooms/{room}"
            assert (await his.get(path)).json()["stoppers"] == "members"
            assert (await his.patch(path, json={"stoppers": "asker"})).status_code == 403
            refused = await hers.patch(path, json={"stoppers": "everybody"})
            assert (refused.status_code, refused.json()["error"]["field"]) == (400, "stoppers")
            assert (await hers.patch(path, json={"stoppers": "asker"})).status_code == 204
            assert (await his.get(path)).json()["stoppers"] == "asker"
            mine = (await his.get("/api/rooms")).json()["rooms"]
            assert [one["stoppers"] for one in mine if one["room_id"] == room] == ["asker"]
