"""`productflo user`, beside a server that runs on the embedded store."""

import asyncio
import os
import pty
import subprocess
from pathlib import Path

import httpx
from chatting import web_process
from processes import PRODUCTFLO, environment

SECRET = "a-secret-of-at-least-thirty-two-bytes"
PASSWORD = "a housing of cast zinc"
OTHER = "a housing of cast iron"


async def user(data_dir: Path, *words: str, typed: str = "", secret: str = SECRET) -> tuple[int, str]:
    """Run `productflo user ...` with this standard input: its exit code, and what it printed."""
    done = await asyncio.to_thread(
        subprocess.run,
        [*PRODUCTFLO, "user", *words],
        env=environment(data_dir, PRODUCTFLO_SECRET=secret),
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


async def test_an_account_from_its_first_day_to_its_last(tmp_path: Path) -> None:
    """Added, listed, signed in with, given another password, removed; all while the server runs."""
    async with (
        web_process(tmp_path, PRODUCTFLO_SECRET=SECRET) as server,
        httpx.AsyncClient(base_url=server.http, timeout=30) as http,
    ):

        async def status(password: str) -> int:
            credentials = {"email": "ANA@example.com", "password": password}
            return (await http.post("/auth/login", json=credentials)).status_code

        added = await user(tmp_path, "add", "Ana@Example.com", "--team", "hw", typed=f"{PASSWORD}\n")
        assert added == (0, "ana@example.com signs in as ana\n")
        assert await user(tmp_path, "list") == (0, "ana@example.com\tana\tana\thw\n")
        assert await status(PASSWORD) == 200
        again = await user(tmp_path, "add", "ana@example.com", typed=PASSWORD)
        assert again == (1, "Error: ana@example.com has an account already\n")
        assert (await user(tmp_path, "password", "ana@example.com", typed=OTHER))[0] == 0
        assert [await status(PASSWORD), await status(OTHER)] == [401, 200]
        assert (await user(tmp_path, "remove", "ana@example.com"))[0] == 0
        assert await user(tmp_path, "list") == (0, "")
        assert await status(OTHER) == 401


async def test_an_open_server_needs_no_accounts(tmp_path: Path) -> None:
    """The way to one that does is named."""
    code, said = await user(tmp_path, "add", "ana@example.com", typed=PASSWORD, secret="")
    assert code == 1
    assert "./run --share" in said


async def test_a_short_password_is_refused(tmp_path: Path) -> None:
    """In one line, with the rule."""
    code, said = await user(tmp_path, "add", "ana@example.com", typed="zinc\n")
    assert (code, said) == (1, "Error: A password has 12 to 256 characters\n")


async def test_a_person_is_asked_twice_and_sees_nothing(tmp_path: Path) -> None:
    """On a terminal the password is not shown; two that differ are asked for again."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(*PRODUCTFLO, "user", "add", "ana@example.com"),
        env=environment(tmp_path, PRODUCTFLO_SECRET=SECRET),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = await asyncio.wait_for(asyncio.to_thread(_answer, ours), 60)
    assert await process.wait() == 0
    assert shown.count("Password:") == 2
    assert "ana@example.com signs in as ana" in shown
    assert PASSWORD not in shown


def _answer(terminal: int) -> str:
    """Type an answer to each question, until the other side hangs up: what the terminal showed."""
    answers = [PASSWORD, OTHER, PASSWORD, PASSWORD]
    shown = ""
    asked = 0
    with os.fdopen(terminal, "r+b", buffering=0) as screen:
        while True:
            try:
                said = screen.read(1024)
            except OSError:  # Linux's way of saying that nobody has the terminal open any more.
                return shown
            if not said:
                return shown
            shown += said.decode()
            if (questions := shown.count(": ") - shown.count("Error: ")) > asked and asked < len(answers):
                screen.write(f"{answers[asked]}\n".encode())
                asked = questions
