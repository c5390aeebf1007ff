"""The embedded store: what it keeps, who shares it, and that nothing is left of it."""

import asyncio
import fcntl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from processes import Spoken, ended, environment, holder, kill, running

from productflo.store import valkey
from productflo.store.connect import open_redis
from productflo.store.embedded import EmbeddedStore, StoreFailed, holder_of
from productflo.store.folder import Folder, Holder

USER = """
import asyncio, sys
from pathlib import Path
from productflo.store.embedded import EmbeddedStore
async def main():
    async with EmbeddedStore(Path(sys.argv[1]), sys.argv[2]) as store:
        print("has", store.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@asynccontextmanager
async def user(data_dir: Path, name: str) -> AsyncIterator[Spoken]:
    """Another process that uses the store of `data_dir`, and has it when this returns."""
    async with running(sys.executable, "-c", USER, str(data_dir), name, env=environment(data_dir)) as process:
        await process.says(r"has unix://")
        yield process


async def test_a_write_survives_a_kill_and_a_restart(tmp_path: Path) -> None:
    """Valkey killed with SIGKILL is started again with a word about it, and has what was acknowledged."""
    async with (
        user(tmp_path, "a test") as process,
        open_redis(f"unix://{tmp_path}/store/valkey.sock") as client,
    ):
        await client.set("said", "hello")
        kill(holder(tmp_path).server or 0)
        await process.says(r"the store ended with signal 9")
        await process.says(r"the store runs again")
        assert await client.get("said") == b"hello"


@pytest.mark.parametrize("fsync", ["always", "everysec"])
async def test_how_often_it_flushes_is_asked_for(tmp_path: Path, fsync: valkey.Fsync) -> None:
    """Before each answer, or once a second."""
    async with EmbeddedStore(tmp_path, fsync=fsync) as store, open_redis(store.url) as client:
        assert (await client.config_get("appendfsync"))["appendfsync"] == fsync


async def test_the_store_ends_with_its_user_and_keeps_its_data(tmp_path: Path) -> None:
    """A user that leaves stops the store; the next one finds the data."""
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        await client.set("said", "hello")
        server = holder(tmp_path).server
    await ended(server or 0)
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        assert await client.get("said") == b"hello"


async def test_a_user_killed_leaves_no_store(tmp_path: Path) -> None:
    """The only user killed with SIGKILL: the keeper and Valkey end by themselves."""
    async with user(tmp_path, "a test") as process:
        had = holder(tmp_path)
        kill(process.pid)
        await ended(had.keeper)
        await ended(had.server or 0)
    assert holder_of(tmp_path) is None


async def test_two_processes_share_one_store_until_the_last_leaves(tmp_path: Path) -> None:
    """The process that started the store may leave first; the store ends with the last one."""
    async with user(tmp_path, "the first") as first:
        async with user(tmp_path, "the second") as second:
            had = holder(tmp_path)
            assert [name.partition(" (")[0] for name in had.users] == ["the first", "the second"]
            first.process.terminate()
            await ended(first.pid)
            async with open_redis(f"unix://{tmp_path}/store/valkey.sock") as client:
                assert await client.ping()
            assert second.process.returncode is None
        await ended(had.server or 0)


async def test_both_start_at_once(tmp_path: Path) -> None:
    """Five processes that start at the same time have one store between them."""
    async with asyncio.TaskGroup() as group:
        stores = [EmbeddedStore(tmp_path, f"user {n}") for n in range(5)]
        for store in stores:
            group.create_task(store.__aenter__())
    assert len({store.url for store in stores}) == 1
    for store in stores:
        await store.__aexit__(None, None, None)


async def test_a_killed_keeper_is_replaced(tmp_path: Path) -> None:
    """The keeper killed with SIGKILL takes Valkey with it; its user starts another and the data are there."""
    async with (
        user(tmp_path, "a test") as process,
        open_redis(f"unix://{tmp_path}/store/valkey.sock") as client,
    ):
        await client.set("said", "hello")
        had = holder(tmp_path)
        kill(had.keeper)
        await ended(had.server or 0)
        await process.says(r"the store runs again")
        assert await client.get("said") == b"hello"
        assert holder(tmp_path).keeper != had.keeper


async def test_a_store_without_its_keeper_is_ended_first(tmp_path: Path) -> None:
    """Where the kernel does not end Valkey with its keeper (macOS), the next start does, and has the data."""
    folder = Folder(tmp_path)
    with folder.lock.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        orphan = await valkey.start(valkey.find_binary(), folder.place, "always", pass_fds=(lock.fileno(),))
        folder.write_holder(lock, Holder(keeper=0, server=orphan.pid, users=("a user long gone",)))
    async with open_redis(folder.url) as client:
        await client.set("said", "hello")
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        assert orphan.returncode == 0
        assert await client.get("said") == b"hello"


async def test_others_are_told_who_has_the_folder(tmp_path: Path) -> None:
    """The holder of a folder is known by name and process; when it has left, nobody is."""
    async with user(tmp_path, "productflo up") as process:
        found = holder_of(tmp_path)
        assert found is not None
        assert found.users == (f"productflo up (process {process.pid})",)


async def test_an_end_cut_off_by_a_power_loss_loads(tmp_path: Path) -> None:
    """A half-written last command is dropped; everything before it is there."""
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        await client.set("said", "hello")
    (log,) = (tmp_path / "store/appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nlo")
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        assert await client.get("said") == b"hello"


async def test_damaged_data_are_told_with_the_way_to_repair_them(tmp_path: Path) -> None:
    """A log damaged in its middle does not load; the command that the error names saves what came before."""
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        for n in range(50):
            await client.set(f"key{n}", "x" * 50)
    (log,) = (tmp_path / "store/appendonlydir").glob("*.incr.aof")
    log.write_bytes(log.read_bytes().replace(b"key30", b"\0\0\0"))
    with pytest.raises(StoreFailed, match="Bad file format") as failure:
        await EmbeddedStore(tmp_path).__aenter__()
    lines = str(failure.value).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("  cd "))
    repair = ["bash", "-c", "\n".join(lines[begin : begin + 2])]
    await asyncio.to_thread(subprocess.run, repair, input=b"y\n", check=True, capture_output=True)
    async with EmbeddedStore(tmp_path) as store, open_redis(store.url) as client:
        assert await client.dbsize() == 30


@pytest.mark.parametrize("program", ["true", "no-such-program"])
async def test_a_program_that_is_no_store_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A configured program that is not a server, or not there, is named in the error."""
    monkeypatch.setenv("PRODUCTFLO_STORE_BINARY", program)
    with pytest.raises(StoreFailed, match=rf"{program}.*(does not run here|not a program)"):
        await EmbeddedStore(tmp_path).__aenter__()


async def test_a_long_path_gets_a_short_socket(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data folder whose path is too long for a socket works all the same, its socket closed to others."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    async with EmbeddedStore(deep) as store, open_redis(store.url) as client:
        assert await client.ping()
        assert Path(store.url.removeprefix("unix://")).parent.stat().st_mode & 0o077 == 0


async def test_the_last_to_leave_leaves_no_process(tmp_path: Path) -> None:
    """When the last share was given back, neither the store nor its keeper runs any more."""
    for _ in range(5):
        async with EmbeddedStore(tmp_path, "the last"):
            held = holder(tmp_path)
        left = [pid for pid in (held.keeper, held.server) if pid is not None and _runs(pid)]
        assert held.server is not None
        assert left == []


def _runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected has no command any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False
