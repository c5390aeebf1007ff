"""The web page: one document for all its addresses, and the assets it loads."""

from pathlib import Path

from quart import Blueprint, Response, send_from_directory

from productflo.errors import NotFound

STATIC = Path(__file__).parent.parent / "static"
"""Where the build hook puts the page."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing but our own files, and no HTML from strings: what a model or a person says can not run."""

FOREVER = 31_536_000
"""Seconds that a browser may keep an asset: its name holds a hash of what is in it."""


def page_blueprint() -> Blueprint:
    """`/`, `/r/{room}`, `/invite/{code}` and `/static/...`."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    @blueprint.get("/r/<room_id>")
    @blueprint.get("/invite/<code>")
    async def page(room_id: str | None = None, code: str | None = None) -> Response:
        if not (STATIC / "index.html").exists():
            raise NotFound("The page has not been built. Run ./run setup, and start the server again.")
        response = await send_from_directory(STATIC, "index.html", cache_timeout=0)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    @blueprint.get("/static/<path:name>")
    async def asset(name: str) -> Response:
        return await send_from_directory(STATIC, name, cache_timeout=FOREVER)

    return blueprint
