"""Errors as HTTP answers: `{"error": {"code", "message", "field"?}}`."""

import math
from typing import Any

from quart import Quart, Response, jsonify
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException

from productflo.errors import ErrorCode, ProductFloError, ServerFull
from productflo.store.refusals import told

STATUS = {
    ErrorCode.VALIDATION_ERROR: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.PERMISSION_DENIED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.STORE_AWAY: 503,
    ErrorCode.UNCONFIRMED: 503,
    ErrorCode.STORE_FULL: 507,
}
"""The HTTP status of each error code; any other is the server's own fault."""

CODES = {status: code for code, status in reversed(STATUS.items())}


def describe(error: ProductFloError) -> dict[str, Any]:
    """The error as JSON tells it."""
    told = {
        "code": error.code,
        "message": error.message,
        "field": error.field,
        "retry_after": error.retry_after,
    }
    return {name: value for name, value in told.items() if value is not None}


def refused(error: ProductFloError) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The error as an HTTP answer: its body, status and headers."""
    after = error.retry_after
    headers = {} if after is None else {"Retry-After": str(max(1, math.ceil(after)))}
    status = 503 if isinstance(error, ServerFull) else STATUS.get(error.code, 500)
    return {"error": describe(error)}, status, headers


def register_errors(app: Quart) -> None:
    """Answer every error of every route as JSON."""

    @app.errorhandler(ProductFloError)
    async def ours(error: ProductFloError) -> tuple[dict[str, Any], int, dict[str, str]]:
        return refused(error)

    @app.errorhandler(RedisError)
    async def stores(error: RedisError) -> tuple[dict[str, Any], int, dict[str, str]]:
        return refused(told(error))

    @app.errorhandler(HTTPException)
    async def frameworks(error: HTTPException) -> Response:
        status = error.code or 500
        response = jsonify(
            {"error": {"code": CODES.get(status, ErrorCode.PROCESSING_ERROR), "message": str(error)}}
        )
        response.status_code = status
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
        return response
