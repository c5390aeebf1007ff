"""The client that the store's parts speak through: of one server, of what Sentinel names, or of a Cluster.

What concerns one room is in one slot, so it is asked of one shard. `shard_of` gives the plain client of that
shard: only there is it certain which commands share a connection, in which order, and what is sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, final

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException

T = TypeVar("T")


@final
class Cluster(RedisCluster):
    """redis-py's client of a Cluster, with a plain client of each shard beside it.

    A Cluster that can not be reached, or lacks slots, is a `ConnectionError` as everywhere else: what
    redis-py raises for it is no `RedisError`. Close it with `close`: redis-py itself calls `aclose` to begin
    anew.
    """

    def __init__(
        self, nodes: list[ClusterNode], connect: Callable[[str, int], Redis], **options: Any
    ) -> None:
        super().__init__(startup_nodes=nodes, **options)
        self._connect = connect
        self._clients: dict[str, Redis] = {}

    def shard(self, key: str) -> Redis | None:
        """The client of the shard that has a key; None while nobody knows."""
        nodes = self.nodes_manager.slots_cache.get(self.keyslot(key))
        return self._client(nodes[0]) if nodes else None

    def shards(self) -> list[Redis]:
        """The clients of all shards that are known."""
        return [self._client(node) for node in self.get_primaries()]

    def _client(self, node: ClusterNode) -> Redis:
        if node.name not in self._clients:
            self._clients[node.name] = self._connect(node.host, int(node.port))
        return self._clients[node.name]

    async def look_again(self) -> None:
        """Ask where the slots are. Raises `ConnectionError` where no node answers."""
        await self.initialize()
        await _as_redis_error(self.nodes_manager.initialize())
        for name in self._clients.keys() - {node.name for node in self.get_nodes()}:
            await self._clients.pop(name).aclose()

    async def initialize(self, *args: Any, **options: Any) -> "Cluster":
        """Connect, unless that was done. Raises `ConnectionError`."""
        await _as_redis_error(super().initialize(*args, **options))
        return self

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Have the right shard carry out a command. Raises redis-py's `RedisError`s."""
        return await _as_redis_error(super().execute_command(*args, **options))

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> "Pipeline":
        """Commands for any shards; with `transaction`, for keys of one slot."""
        return Pipeline(self, transaction)  # type: ignore[abstract]  # redis-py 8.1 leaves it without one, too.

    async def close(self) -> None:
        """Close all connections."""
        await self.aclose()
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))


class Pipeline(ClusterPipeline):
    """redis-py's pipeline over the shards of a Cluster, with errors as `Cluster` has them."""

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        """Carry the commands out. Raises redis-py's `RedisError`s."""
        return await _as_redis_error(super().execute(raise_on_error, allow_redirections))


Client = Redis | Cluster
"""What the store's parts are given; a command with one key reads the same on both."""


def shard_of(client: Client, key: str) -> Redis | None:
    """The plain client of the server that has a key; None while nobody knows where the slots are."""
    return client.shard(key) if type(client) is Cluster else client


async def look_again(client: Client) -> None:
    """Ask a Cluster where its slots are; one server has them all. Raises redis-py's `ConnectionError`."""
    if type(client) is Cluster:
        await client.look_again()


async def close(client: Client) -> None:
    """Close all connections."""
    if type(client) is Cluster:
        await client.close()
        return
    await client.aclose()
    if isinstance(client.connection_pool, SentinelConnectionPool):
        await client.connection_pool.sentinel_manager.aclose()


async def _as_redis_error(command: Awaitable[T]) -> T:
    try:
        return await command
    except RedisClusterException as error:
        raise RedisConnectionError(str(error)) from error
