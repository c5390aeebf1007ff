"""The WebSocket routes: who may come in, and the life of a connection."""

import asyncio
import logging
import time

from quart import Blueprint, Websocket, websocket
from quart.typing import ResponseReturnValue

from productflo import metrics
from productflo.domain.identity import Identity
from productflo.errors import PermissionDenied, ProductFloError, RateLimited, Unauthenticated
from productflo.protocol import outbound
from productflo.protocol.codec import encode
from productflo.protocol.codes import CloseCode, Status
from productflo.server.door import Door
from productflo.server.quart_connection import QuartConnection
from productflo.server.session import Session
from productflo.service.clock import stamp
from productflo.web.address import Proxies
from productflo.web.errors import refused
from productflo.web.guard import Guard

log = logging.getLogger(__name__)


class _Ended(Exception):
    """The connection was closed from this side: what runs beside it ends too."""


def ws_blueprint(door: Door, guard: Guard, proxies: Proxies) -> Blueprint:
    """`/ws`, and `/ws/secure` which also takes `?access_token=` and never lets anybody in without a token."""
    blueprint = Blueprint("ws", __name__)

    @blueprint.websocket("/ws")
    async def ws() -> ResponseReturnValue | None:
        return await _connect(door, guard, proxies, needs_token=not guard.is_open)

    @blueprint.websocket("/ws/secure")
    async def ws_secure() -> ResponseReturnValue | None:
        return await _connect(door, guard, proxies, needs_token=True)

    return blueprint


async def _connect(
    door: Door, guard: Guard, proxies: Proxies, *, needs_token: bool
) -> ResponseReturnValue | None:
    """Refuse before the upgrade what no browser of ours would ask; after it whom we do not know.

    A browser can not read a refused upgrade, so a bad token is told over the connection: 4401.
    """
    address = proxies.address(websocket)
    try:
        guard.check_source(websocket)
        door.connections.admit(address)
    except PermissionDenied as error:
        metrics.HANDSHAKES_REFUSED.labels("source").inc()
        return refused(error)
    except RateLimited as error:
        return refused(error)
    plain: Websocket = websocket._get_current_object()  # type: ignore[attr-defined]
    await plain.accept()
    try:
        await guard.prepare(plain)
        identity = guard.identify(plain)
        if needs_token and (identity is None or guard.is_open):
            raise Unauthenticated("This server asks for a token: /ws?token=... or Authorization: Bearer ...")
    except ProductFloError as error:
        metrics.HANDSHAKES_REFUSED.labels("token").inc()
        await _turn_away(plain, door, error)
        return None
    await _serve(QuartConnection(plain, address), plain, door, identity)
    return None


async def _turn_away(plain: Websocket, door: Door, error: ProductFloError) -> None:
    told = outbound.System(
        status=Status.ERROR,
        timestamp=stamp(door.clock),
        data=outbound.SystemData(code=error.code, message=error.message, field=error.field),
    )
    await plain.send(encode(told).decode())
    known = not isinstance(error, Unauthenticated)
    await plain.close(CloseCode.FORBIDDEN if known else CloseCode.UNAUTHENTICATED, error.message[:120])


async def _serve(
    connection: QuartConnection, plain: Websocket, door: Door, identity: Identity | None
) -> None:
    """Read, answer and write until either side closes."""
    session: Session | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            session = Session(door, connection, identity, tasks)
            await session.begin()
            tasks.create_task(_read(connection, session))
            if identity and identity.expires_at is not None:
                tasks.create_task(_expire(connection, identity.expires_at))
            await connection.write()
            raise _Ended
    except* _Ended:
        pass
    except* Exception as errors:
        log.exception("A connection failed", exc_info=errors)
        await plain.close(CloseCode.INTERNAL, "internal error; reconnect and resume")
    finally:
        if session:
            await session.end()


async def _read(connection: QuartConnection, session: Session) -> None:
    async for message in connection.messages():
        await session.receive(message)


async def _expire(connection: QuartConnection, expires_at: float) -> None:
    """End the connection with its token: a right that was given for a time lasts no longer."""
    await asyncio.sleep(expires_at - time.time())
    connection.close(CloseCode.UNAUTHENTICATED, "the token has expired; reconnect with a new one")
