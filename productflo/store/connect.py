"""The connection to Redis, and its errors as ours."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.errors import ProductFloError, StoreAway, StoreFull
from productflo.store.sending import send_without_tasks

log = logging.getLogger(__name__)

SOCKET_TIMEOUT = 5.0
"""Seconds without an answer after which a connection counts as broken."""
CONNECT_TIMEOUT = 2.0
"""Seconds to connect: a unix socket or a server of the same network answers in milliseconds."""
RETRIES = 3
"""Silent tries of redis-py, about a second in all: enough for a restart that nobody needs to hear of."""
RETRY_AFTER = 2.0
"""Seconds that a client is asked to wait while the store is away: the embedded one restarts in less."""


def client(url: str) -> Redis:
    """A client with a connection pool; connects when it is used, and must be closed with `aclose`."""
    over_tcp = {} if url.startswith("unix:") else {"socket_keepalive": True}
    redis: Redis = Redis.from_url(
        url,
        **over_tcp,
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=CONNECT_TIMEOUT,
        health_check_interval=30,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), RETRIES),
    )
    send_without_tasks(redis.connection_pool)
    return redis


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Redis]:
    """A client for a program that begins and ends in one place; closed at the end."""
    redis = client(url)
    try:
        yield redis
    finally:
        await redis.aclose()


def told(error: RedisError) -> ProductFloError:
    """A Redis error as the error that a client is told."""
    if isinstance(error, OutOfMemoryError):
        return StoreFull("The store is full: messages can be read, but none added. Tell the operator.")
    if isinstance(error, (RedisConnectionError, RedisTimeoutError, ReadOnlyError)) or _stands_still(error):
        return StoreAway("The store is away. Try again shortly.", retry_after=RETRY_AFTER)
    log.error("The store refused a command", exc_info=error)
    return ProductFloError("The store refused this. The operator finds why in the server's log.")


def _stands_still(error: RedisError) -> bool:
    """Whether the server is there but takes no writes now: loading, or its disk refuses."""
    return isinstance(error, ResponseError) and str(error).startswith(
        ("LOADING", "MISCONF", "CLUSTERDOWN", "BUSY")
    )
