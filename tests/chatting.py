"""A client of the WebSocket for tests: says envelopes, and waits for those it expects."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from processes import PRODUCTFLO, environment, running
from pydantic import BaseModel, ValidationError
from websockets.asyncio.client import ClientConnection, connect

from productflo.protocol.messages import RequestResponse
from productflo.protocol.outbound import OUTBOUND

Envelope = dict[str, Any]

PATIENCE_SECONDS = 20.0  # Far above what anything here takes on a busy machine of two cores.

_KNOWN: dict[str, list[type[BaseModel]]] = {}
for _model in OUTBOUND:
    _KNOWN.setdefault(_model.model_fields["code"].default, []).append(_model)


def check_documented(envelope: Envelope) -> None:
    """Fail unless the envelope is one that the protocol's models describe, with no field beyond them."""
    problems: list[str] = []
    registered = [RequestResponse] if envelope["code"].endswith("_response") else []
    for model in _KNOWN.get(envelope["code"], registered):
        try:
            told = model.model_validate(envelope)
        except ValidationError as error:
            problems.append(str(error))
            continue
        if told.model_dump(mode="json", exclude_unset=True) == envelope:
            return
        problems.append(f"{model.__name__} has other fields")
    raise AssertionError(f"not documented: {envelope}\n" + "\n".join(problems))


class Client:
    """One connection of one user. `heard` has everything that came, in its order."""

    def __init__(self, socket: ClientConnection, user: str) -> None:
        self.socket = socket
        self.user = user
        self.heard: list[Envelope] = []
        self._read = 0

    async def send(self, envelope: Mapping[str, Any] | str | bytes) -> None:
        """Send an envelope, or raw text or bytes."""
        await self.socket.send(envelope if isinstance(envelope, str | bytes) else json.dumps(envelope))

    async def say(self, code: str, room: str | None = None, **data: Any) -> None:
        """Send an envelope of this user."""
        envelope = {"code": code, "user_id": self.user, "room_id": room, "data": data}
        await self.send({name: value for name, value in envelope.items() if value is not None})

    async def chat(self, room: str, message: str, **data: Any) -> Envelope:
        """Say something and return the message as everybody gets it."""
        await self.say("chat", room, message=message, sender=self.user, **data)
        return await self.until("chat_response", sender=self.user, message=message)

    async def join(self, room: str, **data: Any) -> Envelope:
        """Join and return the answer."""
        await self.say("join", room, **data)
        return await self.until("join", user_id=self.user, last_seq=lambda _: True)

    async def next(self) -> Envelope:
        """The next envelope, whatever it is."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            envelope: Envelope = json.loads(await self.socket.recv())
        check_documented(envelope)
        self.heard.append(envelope)
        return envelope

    async def until(self, code: str, **fields: Any) -> Envelope:
        """The next envelope with this code and these fields (of data or envelope; a function decides).

        Everything before it is in `heard`.
        """
        try:
            while True:
                envelope = await self.next()
                if envelope["code"] == code and all(_has(envelope, *item) for item in fields.items()):
                    return envelope
        except TimeoutError:
            raise AssertionError(f"{self.user} never heard {code} {fields}, but {self.heard[-12:]}") from None

    async def error(self) -> Envelope:
        """The data of the next error."""
        data: Envelope = (await self.until("system", status="error"))["data"]
        return data

    async def settled(self) -> list[Envelope]:
        """Everything sent to this connection up to now: what comes before the answer to a ping."""
        known = len(self.heard)
        await self.say("ping")
        await self.until("pong")
        return self.heard[known:-1]


def _has(envelope: Envelope, name: str, wanted: object) -> bool:
    data = envelope.get("data", {})
    value = data[name] if name in data else envelope.get(name)
    return bool(wanted(value)) if isinstance(wanted, Callable) else value == wanted  # type: ignore[arg-type]


class Server:
    """Where a web process listens."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @asynccontextmanager
    async def client(self, user: str, path: str = "", **options: Any) -> AsyncIterator[Client]:
        """A connection of a user."""
        async with connect(self.ws + path, **options) as socket:
            yield Client(socket, user)


@asynccontextmanager
async def web_process(data_dir: Path, **env: str) -> AsyncIterator[Server]:
    """A web process of its own, ready."""
    async with running(*PRODUCTFLO, "serve", env=environment(data_dir, **env)) as process:
        found = await process.says(r"Running on http://127\.0\.0\.1:(\d+)")
        yield Server(int(found[1]))
