"""The WebSocket routes: who may come in, and as whom. What follows is the session's."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from hypercorn.typing import ASGIFramework
from quart import Blueprint, Quart, Websocket, websocket
from quart.typing import ResponseReturnValue

from productflo import metrics
from productflo.domain.identity import Identity
from productflo.errors import PermissionDenied, ProductFloError, RateLimited, Unauthenticated
from productflo.protocol.answers import System, SystemData
from productflo.protocol.codec import encode
from productflo.protocol.codes import CloseCode, Status
from productflo.server.connection import Connection, Frame
from productflo.server.connection_limits import ConnectionLimits
from productflo.server.quart_connection import PacedWebsocket
from productflo.server.sessions import Sessions
from productflo.server.upgrade import Attend, Upgrade
from productflo.service.clock import stamp, system_clock
from productflo.web.address import Proxies
from productflo.web.errors import refused
from productflo.web.guard import Guard

OPEN, SECURE = "/ws", "/ws/secure"
"""The second also takes `?access_token=`, and never lets anybody in without a token."""
_REFUSED = "productflo.refused"
"""Where in an ASGI scope stands why a call was refused before Quart had it."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Lets WebSockets in, whichever way they come."""

    limits: ConnectionLimits
    sessions: Sessions
    guard: Guard
    proxies: Proxies
    upgrade: Upgrade

    def admit(self, call: Websocket) -> str:
        """The address of a call that may be upgraded, as limits count it.

        Refuses what no browser of ours would ask. Raises `PermissionDenied` and `RateLimited`.
        """
        address = self.proxies.address(call)
        try:
            self.guard.check_source(call)
        except PermissionDenied:
            metrics.HANDSHAKES_REFUSED.labels("source").inc()
            raise
        self.limits.admit(address)
        return address

    async def let_in(self, call: Websocket, address: str) -> None:
        """Upgrade, and tell whom we do not know after it: a browser can not read a refused upgrade."""
        needs_token = call.path == SECURE or not self.guard.is_open
        attend: Attend
        try:
            attend = partial(self.sessions.open, await _identify(self.guard, call, needs_token=needs_token))
        except ProductFloError as error:
            metrics.HANDSHAKES_REFUSED.labels("token").inc()
            attend = partial(_turn_away, error)
        await self.upgrade.accept(call, address, attend)


def ws_blueprint(entrance: Entrance) -> Blueprint:
    """`/ws` and `/ws/secure`, over Quart."""
    blueprint = Blueprint("ws", __name__)

    @blueprint.websocket(OPEN)
    @blueprint.websocket(SECURE)
    async def ws() -> ResponseReturnValue | None:
        plain: Websocket = websocket._get_current_object()  # type: ignore[attr-defined]
        if isinstance(error := plain.scope.get(_REFUSED), ProductFloError):
            return refused(error)
        try:
            address = entrance.admit(plain)
        except (PermissionDenied, RateLimited) as error:
            return refused(error)
        await entrance.let_in(plain, address)
        return None

    return blueprint


@dataclass(frozen=True, slots=True)
class Straight:
    """ASGI before Quart's `asgi_app`: upgrades whose sockets are taken over go straight to their sessions.

    Quart's contexts, routing and tasks for a WebSocket cost a fifth of a handshake, for a conversation that
    Quart never sees. Whatever is refused, or stays with the ASGI server, is Quart's as ever.
    """

    app: Quart
    quart: ASGIFramework
    entrance: Entrance

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection, or whatever else ASGI calls for."""
        if self._is_ours(scope, send):
            call = PacedWebsocket(self.app, scope).call(send)
            try:
                address = self.entrance.admit(call)
            except (PermissionDenied, RateLimited) as error:
                scope[_REFUSED] = error
            else:
                await self.entrance.let_in(call, address)
                return
        await self.quart(scope, receive, send)

    def _is_ours(self, scope: Any, send: Any) -> bool:
        if scope["type"] != "websocket" or scope["path"] not in (OPEN, SECURE) or scope.get("root_path"):
            return False
        return self.entrance.upgrade.takes(send)


async def _identify(guard: Guard, plain: Websocket, *, needs_token: bool) -> Identity | None:
    """Who is calling; None on an open server, until the first envelope says it. Raises `ProductFloError`."""
    await guard.prepare(plain)
    identity = guard.identify(plain)
    if needs_token and (identity is None or guard.is_open):
        raise Unauthenticated("This server asks for a token: /ws?token=... or Authorization: Bearer ...")
    return identity


class _Unheard:
    """The receiver of a connection that is closed as soon as it is there."""

    full = False

    def received(self, message: str | bytes) -> None:
        """Whatever it says."""

    def lost(self) -> None:
        """Nothing has begun that would have to end."""


def _turn_away(error: ProductFloError, connection: Connection) -> _Unheard:
    told = System(
        status=Status.ERROR,
        timestamp=stamp(system_clock),
        data=SystemData(code=error.code, message=error.message, field=error.field),
    )
    connection.send(Frame(encode(told)))
    metrics.ERRORS.labels(error.code).inc()
    unknown = isinstance(error, Unauthenticated)
    connection.close(CloseCode.UNAUTHENTICATED if unknown else CloseCode.FORBIDDEN, error.message[:120])
    return _Unheard()
