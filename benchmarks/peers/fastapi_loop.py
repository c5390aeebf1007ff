"""FastAPI with the connection manager of its documentation, one for each room: `uvicorn fastapi_loop:app`."""

import json
from collections import defaultdict

from answer import answer
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class ConnectionManager:
    """The connections of a room."""

    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        """Let one more in."""
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        """Let one out."""
        self.active_connections.remove(websocket)

    async def broadcast(self, message: str) -> None:
        """Tell all, one after the other."""
        for connection in self.active_connections:
            await connection.send_text(message)


rooms: defaultdict[str, ConnectionManager] = defaultdict(ConnectionManager)


@app.websocket("/ws/{room}")
async def chat(websocket: WebSocket, room: str) -> None:
    """One connection, in the room of its address."""
    manager = rooms[room]
    await manager.connect(websocket)
    await websocket.send_json({"code": "joined"})
    try:
        while True:
            await manager.broadcast(json.dumps(answer(await websocket.receive_json())))
    except WebSocketDisconnect:
        manager.disconnect(websocket)
