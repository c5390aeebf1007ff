"""Connections that are asked without redis-py's streams: lost, silent, long unused, or speaking nonsense."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import hiredis
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from productflo.store import exchange as exchange_module
from productflo.store.exchange import exchange
from productflo.store.line import take_line

Answer = Callable[[bytes], bytes]
"""What a server says to an ECHO of these bytes."""


@dataclass
class Server:
    """A server of HELLO, PING and ECHO, of which a test decides what it says to the last."""

    answer: Answer
    redis: Redis = field(init=False)
    connections: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    closed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        commands = hiredis.Reader(notEnoughData=reader)
        while data := await reader.read(65536):
            commands.feed(data)
            while (command := commands.gets()) is not reader:
                match command:
                    case [b"HELLO", *_]:
                        writer.write(b"%1\r\n$5\r\nproto\r\n:3\r\n")
                    case [b"ECHO", word]:
                        writer.write(self.answer(word))
                    case [b"PING"]:
                        writer.write(b"+PONG\r\n")
                    case _:
                        writer.write(b"+OK\r\n")
        writer.close()
        self.open.discard(writer)
        async with self.closed:
            self.closed.notify_all()

    async def echo(self, *words: bytes) -> list[bytes]:
        return await exchange(self.redis, [("ECHO", word) for word in words])


def whole(word: bytes) -> bytes:
    """As Redis answers."""
    return b"+%b\r\n" % word


@asynccontextmanager
async def server(answer: Answer, **options: float) -> AsyncIterator[Server]:
    """A server, and a client of it that tries once."""
    it = Server(answer)
    async with await asyncio.start_server(it.serve, "127.0.0.1") as listening:
        port = listening.sockets[0].getsockname()[1]
        it.redis = Redis(port=port, **options)  # type: ignore[arg-type]
        try:
            yield it
        finally:
            await it.redis.aclose()
            for writer in it.open:
                writer.close()


async def test_one_connection_serves_those_who_ask_in_turn() -> None:
    """And as many as ask at the same time have one each, which others use after them."""
    async with server(whole) as it:
        for word in (b"a", b"b", b"c"):
            assert await it.echo(word) == [word]
        assert it.connections == 1
        assert await asyncio.gather(it.echo(b"d"), it.echo(b"e")) == [[b"d"], [b"e"]]
        assert await asyncio.gather(it.echo(b"f"), it.echo(b"g")) == [[b"f"], [b"g"]]
        assert it.connections == 2


async def test_a_server_that_hangs_up_is_asked_again() -> None:
    """On a new connection, whether it did so while it was asked or before."""
    hangs_up = iter([True])

    def answer(word: bytes) -> bytes:
        if next(hangs_up, False):
            for writer in it.open:
                writer.transport.abort()
        return whole(word)

    async with server(answer, socket_timeout=5) as it:
        assert await it.echo(b"a", b"b") == [b"a", b"b"]
        for writer in it.open:
            writer.close()
        line = await take_line(it.redis)
        line.free()
        assert await it.echo(b"c") == [b"c"]
        assert it.connections >= 3


async def test_a_server_that_says_nothing_is_given_up() -> None:
    """After `socket_timeout` seconds; the connection, whose answer may come still, is closed."""
    async with server(lambda word: b"", socket_timeout=0.1) as it:
        line = await take_line(it.redis)
        with pytest.raises(RedisTimeoutError):
            await line.ask(b"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n", 1)
        assert line.lost
        await line.close()


async def test_a_word_that_is_no_answer_closes_the_connection() -> None:
    """It is no longer known what belongs to what."""
    async with server(lambda word: b"HTTP/1.1 400 Bad Request\r\n\r\n") as it:
        line = await take_line(it.redis)
        with pytest.raises(RedisConnectionError, match="does not speak as Redis does"):
            await line.ask(b"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n", 1)
        assert line.lost
        await line.close()


async def test_what_nobody_asked_for_is_no_answer() -> None:
    """A server may push between two replies."""
    async with server(lambda word: b">2\r\n+news\r\n+of the day\r\n" + whole(word)) as it:
        assert await it.echo(b"a", b"b") == [b"a", b"b"]


async def test_a_connection_that_was_not_used_for_long_is_tried_first() -> None:
    """A network forgets it and tells nobody: the question goes over another one."""
    async with server(whole, socket_timeout=0.2, health_check_interval=0.05) as it:
        assert await it.echo(b"a") == [b"a"]
        (forgotten,) = it.open
        forgotten.transport.pause_reading()
        await asyncio.sleep(0.1)
        line = await take_line(it.redis)
        assert it.connections == 2
        line.free()
        assert await it.echo(b"b") == [b"b"]


async def test_who_closes_the_client_closes_the_connections() -> None:
    """Also those that nobody asks anything just then."""
    async with server(whole) as it:
        await asyncio.gather(it.echo(b"a"), it.echo(b"b"))
        await it.redis.aclose()
        async with it.closed:
            await it.closed.wait_for(lambda: not it.open)


async def test_any_number_may_ask_at_once_and_others_have_connections_left() -> None:
    """Lines are the pool's, and stay: as many as it has would be all of them, for ever."""
    async with server(whole) as it:
        words = [b"%d" % number for number in range(300)]
        assert await asyncio.gather(*map(it.echo, words)) == [[word] for word in words]
        assert it.connections <= exchange_module.LINES
        assert await asyncio.gather(*(it.redis.ping() for _ in range(50))) == [True] * 50


async def test_who_does_not_get_a_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the turn of one who gives up, or fails, is another's."""
    monkeypatch.setattr(exchange_module, "PATIENCE", 0.05)
    monkeypatch.setattr(exchange_module, "LINES", 1)
    silent = [True]
    async with server(lambda word: b"" if silent else whole(word), socket_timeout=30) as it:
        first = asyncio.create_task(it.echo(b"a"))
        with pytest.raises(RedisTimeoutError, match="Nobody could ask the store"):
            await asyncio.wait_for(it.echo(b"b"), 5)
        first.cancel()
        await asyncio.wait({first})
        silent.clear()
        assert await it.echo(b"c") == [b"c"]
