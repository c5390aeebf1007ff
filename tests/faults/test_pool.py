"""Several web processes on one port: what dies, stands still or is replaced is not noticed by the others."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from chatting import PATIENCE_SECONDS, Server
from faults.deployment import Deployment, deployed, paused
from faults.raw import raw_client
from faults.traffic import Traffic, talking
from processes import PRODUCTFLO, ended, environment, holder, kill, running, web_processes_of
from websockets.exceptions import ConnectionClosed

from productflo import supervisor
from productflo.pool import FAILED_STARTS, Pool
from productflo.supervisor import Program, supervised

REQUEST = "GET /readyz HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n"


class Callers:
    """Two who ask `/readyz` all the time, each time on a new connection, as a balancer does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.answers: Counter[str] = Counter()

    async def call(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    self.answers[await self._ask()] += 1
            except OSError as error:
                self.answers[repr(error)] += 1
            await asyncio.sleep(0.02)

    async def _ask(self) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        try:
            writer.write(REQUEST.format(self._server.port).encode())
            return (await reader.read())[:12].decode()
        finally:
            writer.close()


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Callers]:
    """Callers while the block lasts; nobody may have been turned away."""
    callers = Callers(server)
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(callers.call()) for _ in range(2)]
        yield callers
        for task in asking:
            task.cancel()
    assert set(callers.answers) == {"HTTP/1.1 200"}, callers.answers


async def reloaded(deployment: Deployment) -> None:
    """SIGHUP, and everything that follows from it."""
    before = set(web_processes_of(deployment.web.pid))
    os.kill(deployment.web.pid, signal.SIGHUP)
    await deployment.web.says("web has reloaded")
    after = set(web_processes_of(deployment.web.pid))
    assert len(after) == len(before)
    assert not after & before


async def nothing_is_wrong(traffic: Traffic) -> None:
    """Nothing was lost, doubled or put in another order, and nobody was told of a gap."""
    await traffic.goes_on()
    assert await traffic.problems() == []
    assert [one.gaps for one in traffic.people if one.gaps] == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_reload_is_not_noticed(tmp_path: Path, workers: int) -> None:
    """SIGHUP in the midst of traffic: all are other processes, nothing is missed, nobody is turned away."""
    async with (
        deployed(
            tmp_path, PRODUCTFLO_WORKERS=str(workers), PRODUCTFLO_STOP_DELAY="1"
        ) as deployment,  # Only a stop of the whole server may say 503 for so long.
        talking(deployment.server, writers=1, readers=1) as traffic,
    ):
        async with calling(deployment.server):
            await traffic.goes_on()
            await reloaded(deployment)
        await nothing_is_wrong(traffic)
        assert deployment.web.process.returncode is None


async def test_a_process_is_killed(tmp_path: Path) -> None:
    """`kill -9` of one of three: it comes back, its clients resume, those of the others notice nothing."""
    async with (
        deployed(tmp_path, PRODUCTFLO_WORKERS="3") as deployment,
        talking(deployment.server, writers=6) as traffic,
    ):
        await traffic.goes_on()
        first = web_processes_of(deployment.web.pid)[0]
        kill(first)
        await deployment.web.says(r"web \d ended with signal 9 \(SIGKILL\); starts again in 0.2 s")
        await deployment.web.says(r"web \d runs again")
        await nothing_is_wrong(traffic)
        assert len(web_processes_of(deployment.web.pid)) == 3
        assert any(one.connections == 1 for one in traffic.people)


async def test_a_process_stands_still(tmp_path: Path) -> None:
    """SIGSTOP of one of three: who is not on it goes on meanwhile, who is does later; nothing is missed."""
    async with deployed(tmp_path, PRODUCTFLO_WORKERS="3") as deployment:
        stopped = web_processes_of(deployment.web.pid)[0]
        with paused(stopped):
            async with talking(deployment.server) as traffic, calling(deployment.server):
                await traffic.goes_on()
        async with talking(deployment.server, ("three", "four")) as traffic:
            with paused(stopped):
                await asyncio.sleep(1.0)
            await nothing_is_wrong(traffic)


async def test_the_dead_are_not_counted(tmp_path: Path) -> None:
    """`/metrics` tells the connections of those that live; what they counted is gone with the parent."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    async with deployed(tmp_path, PRODUCTFLO_WORKERS="2", TMPDIR=str(folder)) as deployment:
        port, parent = deployment.server.port, deployment.web
        async with AsyncExitStack() as stack:
            for _ in range(12):
                await stack.enter_async_context(raw_client(port))
            first, second = web_processes_of(parent.pid)
            assert connections_of(first, port) > 0
            left = connections_of(second, port)
            kill(first)
            await parent.says("runs again")
            async with httpx.AsyncClient(base_url=deployment.server.http) as http:
                assert f"productflo_connections {left}.0\n" in (await http.get("/metrics")).text
            assert any(folder.iterdir())
        parent.process.terminate()
        assert await parent.ends() == 0
    assert not any(folder.iterdir())


async def test_who_has_just_come_is_still_answered(tmp_path: Path) -> None:
    """A connection that was accepted before the stop, and asks after it began, gets its answer."""
    async with deployed(tmp_path) as deployment:
        port = deployment.server.port
        async with deployment.server.client("ana") as ana:
            await ana.join("room")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await ana.settled()  # The one who came after her is accepted too.
            os.kill(deployment.web.pid, signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                await ana.until("never")
        writer.write(REQUEST.format(port).encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 503")
        writer.close()
        assert await deployment.web.ends() == 0


async def test_a_killed_parent_leaves_no_process(tmp_path: Path) -> None:
    """The parent killed with SIGKILL: its children, the keeper and Valkey end by themselves."""
    env = environment(tmp_path, PRODUCTFLO_WORKERS="2")
    async with running(*PRODUCTFLO, "serve", env=env) as server:
        await server.says("Running on")
        had = holder(tmp_path)
        assert had.server is not None
        processes = [*web_processes_of(server.pid), had.keeper, had.server]
        assert len(processes) == 4
        kill(server.pid)
        for process in processes:
            await ended(process)


async def test_a_broken_reload_changes_nothing(tmp_path: Path) -> None:
    """New processes that can not start: the old ones go on, and it is said why, once."""
    config = tmp_path / "own.toml"
    config.write_text("graceful_timeout = 1\n")
    async with running(*PRODUCTFLO, "serve", "--config", str(config), env=environment(tmp_path)) as server:
        port = int((await server.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1])
        before = web_processes_of(server.pid)
        async with Server(port).client("ana") as ana:
            await ana.join("room")
            config.write_text("graceful_timeout = one\n")
            os.kill(server.pid, signal.SIGHUP)
            await server.says(r"Error: .*own\.toml can not be read")
            await server.says("web the new process ended with exit code 1 before it served")
            await server.says("web has not reloaded")
            assert web_processes_of(server.pid) == before
            config.write_text("graceful_timeout = 1\n")
            await ana.chat("room", "still here")
        os.kill(server.pid, signal.SIGHUP)
        await server.says("web has reloaded")
    assert sum("can not be read" in line for line in server.lines) == 1


async def test_balancers_are_told_before_a_stop(tmp_path: Path) -> None:
    """SIGTERM with a delay: not ready, while those who are here talk on; 1012 only then."""
    env = environment(tmp_path, PRODUCTFLO_STOP_DELAY="1.5")
    async with running(*PRODUCTFLO, "serve", env=env) as server:
        port = int((await server.says(r"Running on http://127\.0\.0\.1:(\d+)"))[1])
        callers = Callers(Server(port))
        async with Server(port).client("ana") as ana:
            await ana.join("room")
            os.kill(server.pid, signal.SIGTERM)
            calling = asyncio.create_task(callers.call())
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not callers.answers["HTTP/1.1 503"]:
                    await ana.chat("room", "still here")
            await ana.chat("room", "and still")
            with pytest.raises(ConnectionClosed) as closed:
                await ana.until("never")
            calling.cancel()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert await server.ends() == 0


async def test_a_storm_of_connections_is_shared(tmp_path: Path) -> None:
    """Of 90 who come at once three processes get about the same, in one of three tries at least."""
    async with deployed(tmp_path, PRODUCTFLO_WORKERS="3") as deployment:
        least = [await least_share(deployment, 90) for _ in range(3)]
    assert max(least) > 20, least


async def least_share(deployment: Deployment, clients: int) -> int:
    """How many of those who come at once the process has that has the least."""
    port = deployment.server.port
    opening = [deployment.server.client(f"user{at}") for at in range(clients)]
    await asyncio.gather(*(one.__aenter__() for one in opening))
    shares = [connections_of(process, port) for process in web_processes_of(deployment.web.pid)]
    await asyncio.gather(*(one.__aexit__(None, None, None) for one in opening))
    assert sum(shares) == clients
    return min(shares)


def connections_of(pid: int, port: int) -> int:
    """How many connections to `port` a process has."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}
    return len(established & {os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()})


class Said:
    """Notes what is said; an event for a line that contains `word`."""

    def __init__(self, word: str) -> None:
        self.lines: list[str] = []
        self.heard = asyncio.Event()
        self._word = word

    def __call__(self, name: str, line: str) -> None:
        self.lines.append(line)
        if self._word in line:
            self.heard.set()


def _program(code: str) -> Program:
    return Program("web", (sys.executable, "-u", "-c", code), stop_seconds=2.0)


async def test_a_first_start_that_fails_is_the_end() -> None:
    """Nobody has ever served: a wrong setting is said once, not again and again."""
    said = Said("given up")
    pool = Pool(_program("import sys; print('no such setting'); sys.exit(1)"), 1, said)
    async with supervised((pool,)):
        await pool.given_up.wait()
    assert said.lines == ["no such setting", "ended with exit code 1 before it served, and is given up"]


async def test_starts_that_go_on_failing_are_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has served once; from then on it dies at each start: tried again, with pauses, but not for ever."""
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", (0.01, 0.02, 0.03, 0.04, 0.05))
    served = tmp_path / "served"
    code = (
        "import os, pathlib, sys\n"
        f"served = pathlib.Path({str(served)!r})\n"
        "if served.exists(): sys.exit(3)\n"
        "served.touch()\n"
        "from productflo.parent import tell_ready\n"
        "tell_ready()\n"
        "import time; time.sleep(0.1)"
    )
    said = Said("given up")
    pool = Pool(_program(code), 1, said)
    async with supervised((pool,)):
        await pool.serving.wait()
        await pool.given_up.wait()
    assert sum("starts again in" in line for line in said.lines) == FAILED_STARTS
    assert said.lines[-1] == "ended with exit code 3 before it served, and is given up"


async def test_a_new_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither serves nor ends: the old one stays."""
    monkeypatch.setattr("productflo.pool.READY_SECONDS", 0.3)
    code = (
        "import os, signal\n"
        "from productflo.parent import tell_ready\n"
        "if os.environ.get('HANGS'): signal.pause()\n"
        "tell_ready()\n"
        "signal.pause()"
    )
    said = Said("has not reloaded")
    pool = Pool(_program(code), 1, said)
    async with supervised((pool,)):
        await pool.serving.wait()
        monkeypatch.setenv("HANGS", "1")
        pool.reload()
        await said.heard.wait()
    assert said.lines == [
        "reloads: new processes take over from the old ones",
        "the new process does not serve after 0 s; the old one goes on",
        "has not reloaded",
    ]
