"""`productflo assistants`: new, list, check, chat."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from model_server import ModelServer, speaks
from processes import PATIENCE_SECONDS, PRODUCTFLO, environment

CACHE = Path(__file__).parents[2] / ".mypy_cache" / "new"
"""Of mypy, kept between runs: to read pydantic anew takes 15 s."""
TOML = """
[assistants.reviewer]
prompt = "You review."
model = "small"
[assistants.torn]
promt = "x"
"""
ACTS = """
from assistants import Context, assistant

@assistant("acts")
async def acts(ctx: Context):
    yield "one "
    who = await ctx.ask("Order brackets", arguments={"count": 40})
    yield f"approved by {who.id}"
"""
WAITS = """
import asyncio
from assistants import Context, assistant

@assistant("waits")
async def waits(ctx: Context):
    yield "one "
    if ctx.text == "wait":
        await asyncio.Event().wait()
    history = [message.text for message in await ctx.history()]
    yield f"{ctx.text!r} after {history}"
"""


async def productflo(
    *words: str, env: Mapping[str, str], said: str = "", at: Path | None = None
) -> tuple[int, str]:
    """Run the command with this on its standard input; exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *PRODUCTFLO,
        "assistants",
        *words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=at,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        told, _ = await process.communicate(said.encode())
    return process.returncode or 0, told.decode()


def assert_passes(package: Path, *tool: str) -> None:
    """Run a tool of the author's in the package, as if it were installed here."""
    source = str(package / "src")
    env = {**os.environ, "PYTHONPATH": source, "MYPYPATH": source}
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=package, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def folder(path: Path, **files: str) -> dict[str, str]:
    """The environment of an operator with a folder of assistants."""
    for name, source in files.items():
        (path / f"{name}.py").write_text(source)
    return environment(path, PRODUCTFLO_ASSISTANTS_FOLDER=str(path))


async def test_list_and_check(tmp_path: Path) -> None:
    """Every source is told, and what runs; what is wrong, with exit code 1."""
    (tmp_path / "assistants.toml").write_text(TOML)
    env = folder(tmp_path, waits=WAITS) | {"PRODUCTFLO_ASSISTANTS": "guide,ghost"}
    code, told = await productflo("list", env=env, at=tmp_path)
    assert code == 0
    shown = {line[2:].split()[0]: (line[0], line[2:].split(maxsplit=1)[1]) for line in told.splitlines()}
    assert shown["guide"][0] == "*"
    assert shown["guide"][1].startswith("productflo-chat ")
    assert shown["reviewer"] == ("*", "assistants.toml")
    assert shown["torn"] == ("*", "assistants.toml (wrong: see check)")
    assert shown["ghost"] == ("!", "not found")
    assert shown["waits"] == (" ", str(tmp_path / "waits.py"))
    assert shown["haitch"][0] == " "
    code, told = await productflo("check", env=env, at=tmp_path)
    assert code == 1
    assert "ok      guide: " in told
    assert "ok      reviewer: Reviewer" in told
    assert "broken  torn: assistants.toml [assistants.torn]: promt is not known; did you mean prompt?" in told
    assert "broken  ghost: no installed package offers it" in told
    assert "Traceback" not in told


async def test_a_file_that_can_not_be_read_ends_check_and_run(tmp_path: Path) -> None:
    """With the line that is wrong, and nothing runs without the limits that it may have set."""
    (tmp_path / "assistants.toml").write_text("[assistants")
    for command in ("check", "list", "run"):
        code, told = await productflo(command, env=environment(tmp_path), at=tmp_path)
        assert code == 1
        assert told.startswith("Error: assistants.toml: ")
        assert "at line 1" in told or "at end of document" in told


async def test_chat_keeps_the_conversation(tmp_path: Path) -> None:
    """Line by line, joined by a backslash, until `/new` begins another room."""
    env = folder(tmp_path, waits=WAITS)
    said = "hello\n\nmore\\\nlines\n/new\nagain\n/quit\nnever\n"
    code, told = await productflo("chat", "waits", env=env, said=said)
    assert (code, told.splitlines()) == (
        0,
        [
            "waits: one 'hello' after []",
            "waits: one 'more\\nlines' after ['hello', \"one 'hello' after []\"]",
            "waits: one 'again' after []",
        ],
    )


async def test_chat_stops_an_answer(tmp_path: Path) -> None:
    """`/stop` while it answers; the next message is answered."""
    code, told = await productflo(
        "chat", "waits", env=folder(tmp_path, waits=WAITS), said="wait\n/stop\nhello\n/stop\n"
    )
    assert code == 0
    assert told.splitlines()[:2] == ["waits: one ", "[stopped]"]
    assert "'hello' after" in told


async def test_chat_asks_for_approval(tmp_path: Path) -> None:
    """Only a yes is one."""
    env = folder(tmp_path, acts=ACTS)
    for word, told in (("y", "approved by you"), ("no", "you has denied it.")):
        code, printed = await productflo("chat", "acts", env=env, said=f"order\n{word}\n")
        assert code == 0
        assert "approve? y/n]" in printed
        assert told in printed


async def test_chat_with_a_persona_and_a_model(tmp_path: Path) -> None:
    """The operator's own model and settings; a file goes with what is said next."""
    (tmp_path / "assistants.toml").write_text(TOML)
    async with ModelServer() as server:
        server.play(speaks("Looks ", "fine."))
        env = environment(tmp_path, OPENAI_BASE_URL=server.url)
        code, told = await productflo(
            "chat", "reviewer", "--as", "ana", env=env, said="the bracket?\n", at=tmp_path
        )
        exchange = await server.asked()
    assert (code, told) == (0, "reviewer: Looks fine.\n")
    assert exchange.body["model"] == "small"
    assert exchange.body["messages"][-1]["content"] == "ana: the bracket?"


async def test_chat_says_what_is_wrong(tmp_path: Path) -> None:
    """A name that nothing offers, and an assistant that fails: here the cause is shown."""
    code, told = await productflo("chat", "ghost", env=environment(tmp_path))
    assert (code, "no installed package offers it" in told) == (1, True)
    broken = WAITS.replace('yield "one "', "raise KeyError('drawing 7')\n    yield ''")
    code, told = await productflo("chat", "waits", env=folder(tmp_path, waits=broken), said="hello\n")
    assert "[KeyError: 'drawing 7']" in told


async def test_a_new_package(tmp_path: Path) -> None:
    """Its test passes, its types hold, and its assistant is found beside ours; nothing is overwritten."""
    env = environment(tmp_path)
    code, told = await productflo("new", "drawing-check", env=env, at=tmp_path)
    assert (code, "Made drawing-check-assistant" in told) == (0, True)
    package = tmp_path / "drawing-check-assistant"
    for tool in (
        ["pytest", "-q", "-p", "no:cacheprovider"],
        ["mypy", "--strict", "--cache-dir", str(CACHE), "src", "tests"],
        ["ruff", "check", "--isolated", "--no-cache", "."],
        ["ruff", "format", "--isolated", "--no-cache", "--check", "--line-length", "110", "."],
    ):
        assert_passes(package, *tool)
    before = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    code, told = await productflo("new", "drawing-check", env=env, at=tmp_path)
    assert (code, "exists; nothing was changed" in told) == (1, True)
    assert {path: path.read_bytes() for path in package.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["Foo", "../evil", "a b", "-x", "1a", "x" * 41, "a--b", "a_b"])
async def test_a_name_that_can_not_be(tmp_path: Path, name: str) -> None:
    """Nothing is made, and the error says what a name looks like."""
    code, told = await productflo("new", "--", name, env=environment(tmp_path), at=tmp_path)
    assert (code, "for instance drawing-check" in told) == (1, True)
    assert os.listdir(tmp_path) == []


async def test_help_is_quick(tmp_path: Path) -> None:
    """It loads neither a model's client nor the server."""
    for words in ([], ["new"], ["chat"], ["run"], ["check"], ["list"]):
        code, told = await productflo(
            *words, "--help", env=environment(tmp_path) | {"PYTHONPROFILEIMPORTTIME": "1"}, at=tmp_path
        )
        assert code == 0
        assert "Usage:" in told
        assert not [line for line in told.splitlines() if line.split("|")[-1].strip() in ("openai", "quart")]
    assert os.listdir(tmp_path) == []
