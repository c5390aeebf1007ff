"""`productflo up` when things die: what is started again, what is said, and that nothing is left."""

import asyncio
import fcntl
import os
import signal
import socket
import sys
import termios
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from processes import PRODUCTFLO, Spoken, child_of, children_of, ended, environment, holder, kill, running

from productflo.store.folder import Folder
from productflo.supervisor import Child, Program, supervised

READY = r"ready at (http://127\.0\.0\.1:(\d+))/"


@asynccontextmanager
async def up(data_dir: Path, *words: str, **variables: str) -> AsyncIterator[Spoken]:
    """`productflo up`, ready."""
    async with running(*PRODUCTFLO, "up", *words, env=environment(data_dir, **variables)) as process:
        await process.says(READY)
        yield process


def everything(server: Spoken, data_dir: Path) -> list[int]:
    """The process ids of a running server: itself, its children, the keeper and Valkey."""
    had = holder(data_dir)
    assert had.server is not None
    return [server.pid, *children_of(server.pid), had.keeper, had.server]


@pytest.mark.parametrize("program", ["serve", "assistants"])
async def test_a_killed_child_is_started_again(tmp_path: Path, program: str) -> None:
    """A child killed with SIGKILL is started again, with a word about it."""
    async with up(tmp_path) as server:
        before = child_of(server.pid, program)
        kill(before)
        name = {"serve": "web", "assistants": "assistants"}[program]
        await server.says(rf"^{name} +\| ended with signal 9 \(SIGKILL\); starts again")
        after = await server.says(rf"^{name} +\| runs again \(process (\d+)\)")
        assert int(after[1]) != before


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
async def test_a_signal_stops_everything(tmp_path: Path, signal_name: str) -> None:
    """SIGTERM and Ctrl-C: exit code 0 and no process left."""
    async with up(tmp_path) as server:
        processes = everything(server, tmp_path)
        os.kill(server.pid, getattr(signal, signal_name))
        assert await server.ends() == 0
        for process in processes:
            await ended(process)
    assert not any("Traceback" in line for line in server.lines)


async def test_a_closed_terminal_stops_everything(tmp_path: Path) -> None:
    """Started in a terminal that is closed later: no process is left."""
    ours, terminal = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *PRODUCTFLO,
        "up",
        env=environment(tmp_path),
        stdin=terminal,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
        preexec_fn=partial(fcntl.ioctl, terminal, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    server = Spoken(process)
    await server.says(READY)
    processes = everything(server, tmp_path)
    os.close(ours)
    assert await server.ends() == 0
    for one in processes:
        await ended(one)


async def test_a_hang_up_replaces_everything(tmp_path: Path) -> None:
    """SIGHUP without a terminal behind it: other processes, the same port, and nothing has stopped."""
    async with up(tmp_path) as server:
        before = set(children_of(server.pid))
        os.kill(server.pid, signal.SIGHUP)
        await server.says(r"^web +\| process \d+ takes over from process \d+")
        await server.says(r"^web +\| has reloaded")
        assert len(children_of(server.pid)) == 2
        assert not before & set(children_of(server.pid))


async def test_a_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    """The supervisor killed with SIGKILL: its children, the keeper and Valkey end by themselves."""
    async with up(tmp_path) as server:
        processes = everything(server, tmp_path)
        kill(server.pid)
        for process in processes:
            await ended(process)
        assert await server.ends() == -signal.SIGKILL
    assert Folder(tmp_path).holder() is None


async def test_a_taken_port_is_told_with_its_owner(tmp_path: Path) -> None:
    """The port of another program: who has it and what to set, exit code 1, no traceback, nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = (*PRODUCTFLO, "up")
        async with running(*command, env=environment(tmp_path, PRODUCTFLO_PORT=port)) as server:
            assert await server.ends() == 1
    said = "\n".join(server.lines)
    assert f"Port {port} is taken by process {os.getpid()}" in said
    assert "PRODUCTFLO_PORT=" in said
    assert "Traceback" not in said


async def test_a_used_data_folder_is_told_with_its_user(tmp_path: Path) -> None:
    """A second server on the same data folder is refused, and told who has it and what to set."""
    async with up(tmp_path) as server:
        async with running(*PRODUCTFLO, "up", env=environment(tmp_path)) as second:
            assert await second.ends() == 1
        said = "\n".join(second.lines)
        assert f"in use by productflo up (process {server.pid})" in said
        assert "PRODUCTFLO_DATA_DIR=" in said
        assert "Traceback" not in said


async def test_a_start_right_after_a_stop_waits_for_the_store(tmp_path: Path) -> None:
    """A restart need not be told to wait: the new server takes the folder over from the one that stops."""
    async with up(tmp_path) as server:
        server.process.terminate()
        assert await server.ends() == 0
    async with up(tmp_path) as after:
        assert holder(tmp_path).users == (f"productflo up (process {after.pid})",)


async def test_share_invites_and_keeps_its_secret(tmp_path: Path) -> None:
    """`--share` prints two invitations and makes a secret for this user's eyes only, once."""
    secrets = []
    for _ in range(2):
        async with up(tmp_path, "--share") as server:
            await server.says(r"For you, on this machine: http://127\.0\.0\.1:\d+/invite/[\w-]+$")
            await server.says(r"For a colleague .*: http://[\w.-]+:\d+/invite/[\w-]+$")
            secrets.append((tmp_path / "secret").read_text())
            server.process.terminate()
            await server.ends()
    assert secrets[0] == secrets[1]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def _program(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-u", "-c", code))


async def test_children_stop_in_order() -> None:
    """The first child has ended before the second is asked to."""
    said: list[tuple[str, str]] = []
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'ends\\n'), os._exit(0)))\n"
        "os.write(1, b'runs\\n')\n"
        "while True: signal.pause()"
    )
    both_run = Counted(2, "runs", said)
    children = [Child(_program(name, code), both_run) for name in ("first", "second")]
    async with supervised(children):
        await both_run.reached.wait()
    assert [name for name, line in said if line == "ends"] == ["first", "second"]


async def test_what_a_child_started_ends_with_it() -> None:
    """A child's own child, which holds the output open, is ended with it; the child starts again."""
    said: list[tuple[str, str]] = []
    code = (
        "import subprocess, sys\n"
        "print('runs')\n"
        "print('left', subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']).pid)"
    )
    twice = Counted(2, "runs", said)
    async with supervised([Child(_program("short", code), twice)]):
        await twice.reached.wait()
    left = [int(line.split()[1]) for _, line in said if line.startswith("left")]
    for process in left:
        await ended(process)
    assert any("ended with exit code 0; starts again" in line for _, line in said)


class Counted:
    """Notes what is said; `reached` is set when `line` was said `times` times."""

    def __init__(self, times: int, line: str, said: list[tuple[str, str]]) -> None:
        self._times, self._line, self._said = times, line, said
        self.reached = asyncio.Event()

    def __call__(self, name: str, line: str) -> None:
        self._said.append((name, line))
        if [text for _, text in self._said].count(self._line) >= self._times:
            self.reached.set()
