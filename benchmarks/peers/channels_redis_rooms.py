"""Django Channels over channels_redis, as its tutorial's chat: `uvicorn channels_redis_rooms:application`."""

import os

from answer import Envelope, answer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

settings.configure(
    SECRET_KEY="for-nothing-but-a-benchmark",  # noqa: S106
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # Beyond its capacity (100 unless set) a layer drops messages, and speakers would wait for ever.
            # redis-py 8 gives up after 5 seconds and at 100 connections unless told not to: consumers end.
            "CONFIG": {
                "hosts": [
                    {"address": os.environ["REDIS_URL"], "socket_timeout": None, "max_connections": 20_000}
                ],
                "capacity": 20_000,
            },
        }
    },
)
urlpatterns: list[object] = []


class Chat(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Without types.
    """One connection, in the room of its address."""

    async def connect(self) -> None:
        """Enter the room, and say so."""
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send_json({"code": "joined"})

    async def disconnect(self, code: int) -> None:
        """Leave the room."""
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive_json(self, content: Envelope) -> None:
        """Tell the room."""
        await self.channel_layer.group_send(self.room, {"type": "chat.message", "envelope": answer(content)})

    async def chat_message(self, event: Envelope) -> None:
        """Hand on what the room is told."""
        await self.send_json(event["envelope"])


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("ws/<str:room>", Chat.as_asgi())])}
)
