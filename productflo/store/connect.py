"""The connection to Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from productflo.store.sending import send_without_tasks

SOCKET_TIMEOUT = 5.0
"""Seconds without an answer after which a connection counts as broken."""
CONNECT_TIMEOUT = 2.0
"""Seconds to connect: a unix socket or a server of the same network answers in milliseconds."""
RETRIES = 3
"""Silent tries of redis-py, about a second in all: enough for a restart that nobody needs to hear of."""


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
