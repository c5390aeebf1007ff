"""What stands between a page and its server: it hears what the page says, and can speak as the server.

For what an assistant tells while it works, which no test can hold still at the server.
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import WebSocketRoute
from pydantic import BaseModel
from reader import Reader

from productflo.protocol.activity import Notification, NotificationData
from productflo.protocol.codes import Status
from productflo.protocol.messages import ChatResponse, ChatResponseData

WEBSOCKET = re.compile(r"/ws\?")
NOW = "2026-06-01T12:00:00.000Z"
PATIENCE_SECONDS = 20.0  # Far above what anything here takes on a busy machine of two cores.


@dataclass(eq=False)
class Line:
    """The connection of one page."""

    room: str
    route: WebSocketRoute | None = None
    said: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    """What the page has sent."""

    def tell(self, envelope: BaseModel) -> None:
        """Send the page an envelope, as its server would."""
        assert self.route is not None
        self.route.send(envelope.model_dump_json(exclude_none=True))

    def notify(self, timestamp: str = NOW, **data: Any) -> None:
        """Tell what an assistant is doing."""
        self.tell(Notification(room_id=self.room, timestamp=timestamp, data=NotificationData(**data)))

    def message(self, seq: int, **data: Any) -> None:
        """Tell a finished message."""
        known = {"attached_files": [], "metadata": {}, "accepted_at": NOW, "seq": seq}
        told = ChatResponseData(**(known | data))
        self.tell(ChatResponse(room_id=self.room, timestamp=NOW, data=told, status=Status.SUCCESS))

    async def hears(self, code: str) -> dict[str, Any]:
        """The data of the next envelope with this code that the page sends, or has sent."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (envelope := await self.said.get())["code"] != code:
                pass
        data: dict[str, Any] = envelope["data"]
        return data


async def overhear(person: Reader, room: str) -> Line:
    """Stand between a page and its server, before it connects."""
    line = Line(room)

    def connect(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        line.route = route

        def pass_on(text: str | bytes) -> None:
            line.said.put_nowait(json.loads(text))
            server.send(text)

        route.on_message(pass_on)

    await person.page.route_web_socket(WEBSOCKET, connect)
    return line
