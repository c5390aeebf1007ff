"""The connection to Redis: a client for each form of `REDIS_URL`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialWithJitterBackoff

from productflo.redis_url import Kind, RedisUrl, parse
from productflo.store.client import Client, Cluster, close
from productflo.store.sending import send_without_tasks, sending

SOCKET_TIMEOUT = 5.0
"""Seconds without an answer after which a connection counts as broken."""
CONNECT_TIMEOUT = 2.0
"""Seconds to connect: a unix socket or a server of the same network answers in milliseconds."""
SENTINEL_TIMEOUT = 1.0
"""Seconds for a sentinel's answer: there are others to ask."""
RETRIES = 3
"""Silent tries of redis-py, about a second in all: enough for a restart that nobody needs to hear of."""
PING_EVERY = 30
"""Seconds after which a connection that was not used is tried before it is."""


def client(url: str) -> Client:
    """A client with connection pools; connects when it is used, and must be closed with `client.close`.

    Raises ValueError for a bad address, see `redis_url.parse`.
    """
    address = parse(url)
    match address.kind:
        case Kind.SENTINEL:
            return _sentinel(address)
        case Kind.CLUSTER:
            return _cluster(address)
        case Kind.SOCKET:
            return _plain(unix_socket_path=address.path, db=address.db, **_options(address))
        case Kind.ONE:
            ((host, port),) = address.hosts
            return _plain(host=host, port=port, db=address.db, **_options(address), **_over_tcp(address))


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Client]:
    """A client for a program that begins and ends in one place; closed at the end."""
    redis = client(url)
    try:
        yield redis
    finally:
        await close(redis)


def _plain(**options: Any) -> Redis:
    redis = Redis(**options)
    send_without_tasks(redis.connection_pool)
    return redis


def _sentinel(address: RedisUrl) -> Redis:
    """A client that asks the sentinels for the master before each new connection."""
    tcp = _over_tcp(address)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.hosts,
        sentinel_kwargs={
            "username": address.sentinel_username,
            "password": address.sentinel_password,
            "socket_timeout": SENTINEL_TIMEOUT,
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            "retry": Retry(ExponentialWithJitterBackoff(), 0),
            **tcp,
        },
        db=address.db,
        **_options(address),
        **tcp,
    )
    redis: Redis = sentinel.master_for(address.service)
    send_without_tasks(redis.connection_pool)
    return redis


def _cluster(address: RedisUrl) -> Cluster:
    options = {**_options(address), **_over_tcp(address)}
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    cluster = Cluster(
        nodes,
        lambda host, port: _plain(host=host, port=port, **options),
        require_full_coverage=False,  # The rooms of those slots that are covered go on.
        **options,
    )
    kwargs = cluster.nodes_manager.connection_kwargs
    kwargs["connection_class"] = sending(kwargs["connection_class"])
    return cluster


def _options(address: RedisUrl) -> dict[str, Any]:
    return {
        "username": address.username,
        "password": address.password,
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "health_check_interval": PING_EVERY,
        "retry": Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), RETRIES),
    }


def _over_tcp(address: RedisUrl) -> dict[str, Any]:
    return {"socket_keepalive": True} | ({} if address.tls is None else {"ssl": True, **address.tls})
