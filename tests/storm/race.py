"""One message id, sent a thousand times at once by one user over all web processes."""

import asyncio
from itertools import cycle, islice

import orjson
from storm.deployment import Deployment
from storm.journal import Asked, Heard, Joined, Journal, Opened, Refused, Sent, operation_of, words_of
from websockets.asyncio.client import ClientConnection, connect

CONNECTIONS = 20
PATIENCE_SECONDS = 60.0


async def race(deployment: Deployment, name: str, times: int) -> Journal:
    """Send it and wait for every answer; the journal is that of all connections as one client.

    The retries are those of a user who presses a button on all devices: each sending is to be answered with
    the one first result.
    """
    journal = Journal(name, name)
    journal.entries += [Opened(), Asked(), Joined("", 0)]
    envelope = orjson.dumps(
        {
            "code": "chat",
            "user_id": name,
            "room_id": name,
            "data": {"message": words_of(name), "sender": name, "message_id": name},
        }
    )
    each = times // CONNECTIONS
    urls = islice(cycle(web.url for web in deployment.webs), CONNECTIONS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        sockets = [await connect(url, compression=None, max_queue=None, open_timeout=None) for url in urls]
        try:
            journal.entries += [Sent(name)] * (each * CONNECTIONS)
            await asyncio.gather(*(_send(socket, envelope, each) for socket in sockets))
            answers = await asyncio.gather(*(_answers(socket) for socket in sockets))
        finally:
            await asyncio.gather(*(socket.close() for socket in sockets))
    journal.entries += [entry for heard in answers for entry in heard]
    return journal


async def _send(socket: ClientConnection, envelope: bytes, times: int) -> None:
    for _ in range(times):
        await socket.send(envelope, text=True)
    await socket.send(envelope.replace(b'"code":"chat"', b'"code":"ping"'), text=True)


async def _answers(socket: ClientConnection) -> list[Heard | Refused]:
    """What it is told: one result at least; the pong says that every sending has been worked off."""
    heard: list[Heard | Refused] = []
    worked_off = False
    while not (worked_off and heard):
        envelope = orjson.loads(await socket.recv())
        data = envelope["data"]
        match envelope["code"], envelope["status"]:
            case "chat_response", "success":
                heard.append(Heard(data["seq"], operation_of(envelope)))
            case "system", "error":
                heard.append(Refused(data.get("message_id") or "", data["code"]))
            case "pong", _:
                worked_off = True
    return heard
