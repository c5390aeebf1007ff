"""Many commands in one go: each reply is its own command's, whatever comes between."""

import asyncio

import hiredis
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from productflo.store.connect import open_redis
from productflo.store.exchange import exchange


async def test_a_refusal_stands_in_its_place(redis: Redis) -> None:
    """The commands after it are carried out and answered."""
    stored, refused, found = await exchange(redis, [("SET", "a", "word"), ("INCR", "a"), ("GET", "a")])
    assert (stored, found) == (b"OK", b"word")
    assert isinstance(refused, ResponseError)


async def test_replies_come_in_order_over_any_number_of_reads(redis: Redis) -> None:
    """Two megabytes of them."""
    words = [f"{number:0400}" for number in range(5000)]
    assert await exchange(redis, [("ECHO", word) for word in words]) == [word.encode() for word in words]


async def test_who_is_cancelled_leaves_no_reply_to_the_next(redis: Redis) -> None:
    """In whatever turn of the loop: the connection goes back to the pool, and somebody else takes it."""
    for turns in range(60):
        cancelled = asyncio.create_task(exchange(redis, [("ECHO", "x" * 1000)] * 100))
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait({cancelled})
        assert await exchange(redis, [("ECHO", turns), ("ECHO", "-")]) == [str(turns).encode(), b"-"]


async def test_a_server_that_begins_to_load_is_asked_again() -> None:
    """All commands are sent once more, on a new connection: those before it were answered by what is gone."""
    told: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says once, as the second reply, that it loads."""
        commands = hiredis.Reader(notEnoughData=reader)
        while data := await reader.read(65536):
            commands.feed(data)
            while (command := commands.gets()) is not reader:
                if command[0] == b"HELLO":
                    writer.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
                elif command[0] == b"ECHO":
                    told.append(int(command[1]))
                    loads = len(told) == 2
                    writer.write(b"-LOADING a replica\r\n" if loads else b":%d\r\n" % told[-1])
                else:
                    writer.write(b"+OK\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        async with open_redis(f"redis://127.0.0.1:{port}") as redis:
            assert isinstance(redis, Redis)
            assert await exchange(redis, [("ECHO", 1), ("ECHO", 2), ("ECHO", 3)]) == [1, 2, 3]
    assert told == [1, 2, 3, 1, 2, 3]
