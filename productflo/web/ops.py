"""For operators and balancers: is the process up, and can it serve."""

from collections.abc import Callable
from typing import Any

from quart import Blueprint
from redis.exceptions import RedisError

from productflo.errors import StoreAway
from productflo.store.client import Client


def ops_blueprint(redis: Client, draining: Callable[[], bool]) -> Blueprint:
    """`/healthz`: the process answers. `/readyz`: so does the store, and the process is not stopping."""
    blueprint = Blueprint("ops", __name__)

    @blueprint.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"status": "ok"}

    @blueprint.get("/readyz")
    async def ready() -> tuple[dict[str, Any], int]:
        if draining():
            return {"status": "draining"}, 503
        try:
            await redis.ping()
        except RedisError as error:
            raise StoreAway(f"The store does not answer: {error}", retry_after=2) from error
        return {"status": "ready"}, 200

    return blueprint
