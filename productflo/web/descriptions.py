"""What this server offers, for programs that make clients of it. Anybody may ask."""

from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from quart import Blueprint, Response

from productflo.protocol.asyncapi import asyncapi
from productflo.web.openapi import openapi


def descriptions_blueprint() -> Blueprint:
    """`/openapi.json` and `/asyncapi.json`."""
    blueprint = Blueprint("descriptions", __name__)

    @blueprint.get("/openapi.json")
    async def http() -> Response:
        return Response(_encoded(openapi), mimetype="application/json")

    @blueprint.get("/asyncapi.json")
    async def websocket() -> Response:
        return Response(_encoded(asyncapi), mimetype="application/json")

    return blueprint


@cache
def _encoded(description: Callable[[], dict[str, Any]]) -> bytes:
    """A document, made when it is first asked for: it never changes while the process runs."""
    return orjson.dumps(description())
