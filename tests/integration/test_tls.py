"""TLS to the store: whom the server trusts, and whom it lets the store trust."""

from pathlib import Path
from uuid import uuid4

from certificates import Authority, serving
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rooms import entry, listening, make_room, writing
from wire import wired

from productflo.store.connect import open_redis


async def answers(port: int, **options: object) -> bool:
    """Whether the store can be spoken to with these options."""
    query = "&".join(f"{name}={value}" for name, value in options.items())
    async with open_redis(f"rediss://127.0.0.1:{port}?{query}") as redis:
        try:
            return bool(await redis.ping())
        except RedisConnectionError:
            return False


async def test_messages_go_over_tls(redis: Redis, store_url: str, tmp_path: Path) -> None:
    """Commits and the bus, each on its connections."""
    ours = Authority(tmp_path)
    async with (
        wired(store_url, serving(ours.sign("127.0.0.1"))) as wire,
        open_redis(f"rediss://127.0.0.1:{wire.port}?ssl_ca_certs={ours.cert}") as through,
        writing(through) as log,
    ):
        room = await make_room(through, log, f"room_{uuid4().hex}")
        async with listening(through, room.name) as listener:
            assert (await log.append(entry(room.name, "ada", "hello", "m1"))).seq == 1
            await listener.until(lambda events: len(events) == 1)


async def test_only_a_store_whose_authority_is_named_is_trusted(
    redis: Redis, store_url: str, tmp_path: Path
) -> None:
    """By default those of the system are, which no test can sign for."""
    ours = Authority(tmp_path)
    async with wired(store_url, serving(ours.sign("127.0.0.1"))) as wire:
        assert not await answers(wire.port)
        assert await answers(wire.port, ssl_ca_certs=ours.cert)


async def test_the_store_is_who_it_says(redis: Redis, store_url: str, tmp_path: Path) -> None:
    """The address must be the certificate's, unless that is not asked for."""
    ours = Authority(tmp_path)
    async with wired(store_url, serving(ours.sign("127.0.0.2"))) as wire:
        assert not await answers(wire.port, ssl_ca_certs=ours.cert)
        assert await answers(wire.port, ssl_ca_certs=ours.cert, ssl_check_hostname="false")


async def test_the_store_may_ask_for_a_certificate(redis: Redis, store_url: str, tmp_path: Path) -> None:
    """And gets the one that is named."""
    ours = Authority(tmp_path)
    own = ours.sign("127.0.0.1")
    async with wired(store_url, serving(ours.sign("127.0.0.1"), clients=ours)) as wire:
        assert not await answers(wire.port, ssl_ca_certs=ours.cert)
        assert await answers(wire.port, ssl_ca_certs=ours.cert, ssl_certfile=own.cert, ssl_keyfile=own.key)
