"""python-socketio with its Redis manager, as its documentation shows it: `uvicorn socketio_redis:app`."""

import os

import socketio
from answer import Envelope, answer

sio = socketio.AsyncServer(
    async_mode="asgi", client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"])
)
app = socketio.ASGIApp(sio)


@sio.event
async def join(sid: str, envelope: Envelope) -> None:
    """Enter the room, and say so."""
    await sio.enter_room(sid, envelope["room_id"])
    await sio.emit("joined", {"room_id": envelope["room_id"]}, to=sid)


@sio.event
async def chat(sid: str, envelope: Envelope) -> None:
    """Tell the room."""
    await sio.emit("chat_response", answer(envelope), room=envelope["room_id"])
