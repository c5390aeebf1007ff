"""The door of the HTTP and WebSocket routes: from where a call may come, and who is calling."""

import hmac
import re
import time
from collections.abc import Callable, Iterable

from quart import Request, Websocket

from productflo.domain.identity import SERVICE_ID, Identity
from productflo.errors import NotFound, PermissionDenied, Unauthenticated, ValidationFailed
from productflo.protocol.ids import ID_PATTERN
from productflo.service import tokens
from productflo.service.invites import MAX_NAME_LENGTH
from productflo.service.provider import Provider
from productflo.web.origin import is_allowed_host, is_same_origin, own_hosts

COOKIE = "productflo_token"
"""The browser's token; scripts can not read it."""

_ID = re.compile(ID_PATTERN)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ACCESS_TOKEN_PATHS = ("/ws/secure", "/files")
"""Where a client of the public API says `?access_token=` instead of `?token=`."""


class Guard:
    """Checks and identifies callers.

    Without a `secret` and a `provider` the server is open: a caller is whoever they say. `reserved` tells ids
    that only assistants have. `now` gives Unix seconds.
    """

    def __init__(
        self,
        *,
        secret: str | None,
        service_key: str | None,
        allowed_hosts: Iterable[str],
        reserved: Callable[[str], bool],
        provider: Provider | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.is_open = secret is None and provider is None
        self._secret = secret
        self._provider = provider
        self._service_key = service_key
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._reserved = reserved
        self._now = now

    def signing_secret(self) -> str:
        """What this server signs tokens with. Raises `NotFound` where it signs none."""
        if self._secret is None:
            raise NotFound(
                "This server is open: choose any name"
                if self.is_open
                else "This server lets people in by its identity provider only"
            )
        return self._secret

    def check_source(self, call: Request | Websocket) -> None:
        """Refuse a call that names another host, or that another site's page makes.

        For every HTTP request and every WebSocket, before anything else is done with it. Raises
        `PermissionDenied`.
        """
        self._check_host(call)
        origin = call.headers.get("Origin")
        if origin is not None and not is_same_origin(origin, call.headers["Host"]):
            raise PermissionDenied(
                f"Pages of {origin!r} may not call this server at {call.headers['Host']!r}. "
                "Behind a proxy: let it pass the Host header on unchanged."
            )
        if isinstance(call, Request) and call.method not in _SAFE_METHODS:
            self._check_change(call, origin)

    async def prepare(self, call: Request | Websocket) -> None:
        """To be awaited before anything below: looks for a new key of the identity provider, if need be."""
        if self._provider is not None and (token := _token(call)):
            await self._provider.prepare(token)

    def identify(self, call: Request | Websocket) -> Identity | None:
        """Who is calling, or None when nothing is said about it.

        The service key counts first; then, on an open server, `X-User-Id` or `?user_id=` (and `?name=`, which
        people see); on any other, the first of `Authorization: Bearer`, `?token=`, `?access_token=` (files
        and `/ws/secure`) and the cookie.

        Raises `Unauthenticated` for a wrong key and for a token that is not good, `ValidationFailed` for a
        bad id and `PermissionDenied` for a reserved one. For a WebSocket: accept, tell, close with 4401.
        """
        if self._holds_service_key(call.headers.get("X-Service-Key"), _bearer(call)):
            return Identity(SERVICE_ID, "Service", operator=True)
        if self.is_open:
            return self._open_identity(call)
        token = _token(call)
        return self._token_identity(token) if token else None

    def require(self, call: Request | Websocket) -> Identity:
        """As `identify`, and raises `Unauthenticated` when nobody is named."""
        identity = self.identify(call)
        if identity is None:
            raise Unauthenticated(
                "Say who is calling: X-User-Id or ?user_id=" if self.is_open else "A token is needed"
            )
        return identity

    def require_operator(self, call: Request | Websocket) -> Identity:
        """The holder of the service key. Raises `PermissionDenied` for anybody else who is known."""
        identity = self.require(call)
        if not identity.operator:
            raise PermissionDenied("This needs the service key (PRODUCTFLO_SERVICE_KEY)")
        return identity

    def check_person(self, user_id: str) -> None:
        """Raise `ValidationFailed` for what is no id, `PermissionDenied` for an id that no person may use."""
        if not _ID.fullmatch(user_id):
            raise ValidationFailed("An id has 1 to 128 of letters, digits, and _ . : @ -", field="user_id")
        if self._is_taken(user_id):
            raise PermissionDenied(f"{user_id!r} is not a person's id here", field="user_id")

    def _check_host(self, call: Request | Websocket) -> None:
        hosts = call.headers.getlist("Host")
        own = own_hosts(call.scope.get("server"), call.scheme)
        if len(hosts) != 1 or not is_allowed_host(hosts[0], call.scheme, own, self._allowed_hosts):
            named = hosts[0] if len(hosts) == 1 else ""
            raise PermissionDenied(
                f"This server does not answer to the host {named!r}. If it is meant to, "
                f"start it with PRODUCTFLO_ALLOWED_HOSTS={named or 'host:port'}"
            )

    def _check_change(self, request: Request, origin: str | None) -> None:
        """A request that changes something, with what browsers add by themselves, comes from our own page."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise PermissionDenied("Another site's page may not change anything here")
        if COOKIE in request.cookies and origin is None and not request.is_json:
            raise PermissionDenied("A change made with the cookie needs an Origin header or a JSON body")

    def _holds_service_key(self, header: str | None, bearer: str | None) -> bool:
        if self._service_key is None:
            if header is not None:
                raise Unauthenticated("This server has no service key: set PRODUCTFLO_SERVICE_KEY")
            return False
        expected = self._service_key.encode()
        if header is not None:
            if not hmac.compare_digest(header.encode(), expected):
                raise Unauthenticated("The service key is wrong")
            return True
        return bearer is not None and hmac.compare_digest(bearer.encode(), expected)

    def _open_identity(self, call: Request | Websocket) -> Identity | None:
        user_id = call.headers.get("X-User-Id") or call.args.get("user_id")
        if not user_id:
            return None
        self.check_person(user_id)
        name = "".join(c for c in call.args.get("name", "") if c.isprintable()).strip()
        return Identity(user_id, name[:MAX_NAME_LENGTH] or user_id)

    def _token_identity(self, token: str) -> Identity:
        if self._provider is not None and (self._secret is None or self._provider.knows(token)):
            identity = self._provider.verify(token, self._now())
        else:
            identity = tokens.verify(token, self.signing_secret(), self._now())
        if self._is_taken(identity.user_id):
            raise Unauthenticated(f"The token's subject, {identity.user_id!r}, is not a person's id here")
        return identity

    def _is_taken(self, user_id: str) -> bool:
        return user_id == SERVICE_ID or self._reserved(user_id)


def _bearer(call: Request | Websocket) -> str | None:
    scheme, _, credentials = call.headers.get("Authorization", "").partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None


def _token(call: Request | Websocket) -> str | None:
    return _bearer(call) or _query_token(call) or call.cookies.get(COOKIE)


def _query_token(call: Request | Websocket) -> str | None:
    if token := call.args.get("token"):
        return token
    return call.args.get("access_token") if call.path.startswith(_ACCESS_TOKEN_PATHS) else None
