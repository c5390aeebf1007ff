"""The WebSocket routes: who may come in, and as whom. What follows is the session's."""

from functools import partial

from quart import Blueprint, Websocket, websocket
from quart.typing import ResponseReturnValue

from productflo import metrics
from productflo.domain.identity import Identity
from productflo.errors import PermissionDenied, ProductFloError, RateLimited, Unauthenticated
from productflo.protocol.answers import System, SystemData
from productflo.protocol.codec import encode
from productflo.protocol.codes import CloseCode, Status
from productflo.server.connection import Connection, Frame
from productflo.server.connection_limits import ConnectionLimits
from productflo.server.sessions import Sessions
from productflo.server.upgrade import Attend, Upgrade
from productflo.service.clock import stamp, system_clock
from productflo.web.address import Proxies
from productflo.web.errors import refused
from productflo.web.guard import Guard


def ws_blueprint(
    limits: ConnectionLimits, sessions: Sessions, guard: Guard, proxies: Proxies, upgrade: Upgrade
) -> Blueprint:
    """`/ws`, and `/ws/secure` which also takes `?access_token=` and never lets anybody in without a token."""
    blueprint = Blueprint("ws", __name__)

    async def connect(*, needs_token: bool) -> ResponseReturnValue | None:
        """Refuse before the upgrade what no browser of ours would ask; after it whom we do not know.

        A browser can not read a refused upgrade, so a bad token is told over the connection: 4401.
        """
        address = proxies.address(websocket)
        try:
            guard.check_source(websocket)
            limits.admit(address)
        except PermissionDenied as error:
            metrics.HANDSHAKES_REFUSED.labels("source").inc()
            return refused(error)
        except RateLimited as error:
            return refused(error)
        plain: Websocket = websocket._get_current_object()  # type: ignore[attr-defined]
        attend: Attend
        try:
            attend = partial(sessions.open, await _identify(guard, plain, needs_token=needs_token))
        except ProductFloError as error:
            metrics.HANDSHAKES_REFUSED.labels("token").inc()
            attend = partial(_turn_away, error)
        await upgrade.accept(plain, address, attend)
        return None

    @blueprint.websocket("/ws")
    async def ws() -> ResponseReturnValue | None:
        return await connect(needs_token=not guard.is_open)

    @blueprint.websocket("/ws/secure")
    async def ws_secure() -> ResponseReturnValue | None:
        return await connect(needs_token=True)

    return blueprint


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
