"""Who am I, coming in by invitation, and signing out."""

import time
from datetime import UTC, datetime
from typing import Any

from quart import Blueprint, Response, jsonify, request

from productflo.domain.identity import Identity
from productflo.errors import PermissionDenied, Unauthenticated
from productflo.protocol.timestamps import format_time
from productflo.service import tokens
from productflo.service.invites import Invites
from productflo.web.cookie import forget_token, set_token
from productflo.web.guard import Guard


def sessions_blueprint(invites: Invites, guard: Guard) -> Blueprint:
    """`/api/session`, `/api/invites/<code>` and `/auth/logout`."""
    blueprint = Blueprint("sessions", __name__)

    @blueprint.get("/api/session")
    async def session() -> dict[str, Any]:
        try:
            identity = guard.identify(request)
        except Unauthenticated:
            identity = None  # A token that has expired is nobody: the page asks for a new link.
        return _session(guard, identity)

    @blueprint.get("/api/invites/<code>")
    async def look(code: str) -> dict[str, str]:
        guard.signing_secret()  # An open server has no invitations.
        invitation = await invites.look(code)
        expires_at = datetime.fromtimestamp(invitation.expires_at, UTC)
        return {"name": invitation.name, "expires_at": format_time(expires_at)}

    @blueprint.post("/api/invites/<code>")
    async def redeem(code: str) -> Response:
        secret = guard.signing_secret()
        _from_our_page()
        identity = await invites.redeem(code)
        token = tokens.mint(
            secret, identity.user_id, identity.name, identity.teams, tokens.DEFAULT_HOURS, time.time()
        )
        response = jsonify(_session(guard, identity))
        set_token(response, token)
        return response

    @blueprint.post("/auth/logout")
    async def logout() -> Response:
        _from_our_page()
        response = Response(status=204)
        forget_token(response)
        return response

    return blueprint


def _session(guard: Guard, identity: Identity | None) -> dict[str, Any]:
    return {
        "mode": "open" if guard.is_open else "token",
        "user_id": identity.user_id if identity else None,
        "name": identity.name if identity else None,
        "teams": sorted(identity.teams) if identity else [],
    }


def _from_our_page() -> None:
    """Nobody is signed in or out by another site's form: such a form sends no JSON, and its own Origin."""
    if "Origin" not in request.headers and not request.is_json:
        raise PermissionDenied("This needs an Origin header or a JSON body")
