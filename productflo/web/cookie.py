"""The browser's cookie: a token that its scripts can not read, and that other sites' pages do not bring."""

import math

from quart import Response, request

from productflo.service import tokens
from productflo.web.guard import COOKIE


def set_token(response: Response, token: str) -> None:
    """Leave a token of `tokens.DEFAULT_HOURS` in the browser that made the present request."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=math.floor(tokens.DEFAULT_HOURS * 3600),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=_over_tls(),
    )


def forget_token(response: Response) -> None:
    """Take the token out of the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_over_tls())


def _over_tls() -> bool:
    """Whether the browser speaks TLS, also to a proxy before us: its Origin says so and was checked."""
    return request.scheme == "https" or request.headers.get("Origin", "").startswith("https://")
