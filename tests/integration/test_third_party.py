"""A package of somebody else, built and installed apart from this one, whose assistant answers in a room."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from processes import PRODUCTFLO, environment, running
from redis.asyncio import Redis
from rooms import listening, make_room, writing

from productflo.store.events import Typed

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "echo-assistant"
version = "2.5"

[project.entry-points."productflo.assistants"]
echo = "echo_assistant:echo"
"""

MODULE = """
from assistants import Context, assistant

@assistant("echo")                        # answers when it is addressed
async def echo(ctx: Context):
    yield f"You said: {ctx.text}"         # each yield is a piece of the answer
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the package's wheel was installed: a pure wheel is installed by unpacking it."""
    project, site = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site")
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "echo_assistant.py").write_text(MODULE)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=project, check=True)
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def with_package(data: Path, site: Path, store_url: str) -> dict[str, str]:
    env = environment(data, REDIS_URL=store_url, PRODUCTFLO_ASSISTANTS="echo")
    env["PYTHONPATH"] = ":".join(filter(None, (str(site), env.get("PYTHONPATH"))))
    return env


async def test_it_is_listed_and_checked(tmp_path: Path, installed: Path, store_url: str) -> None:
    """With its package and version; named by the operator, it is marked as running here."""
    env = with_package(tmp_path, installed, store_url)
    async with running(*PRODUCTFLO, "assistants", "list", env=env) as listed:
        await listed.says(r"\* echo +echo-assistant 2\.5")
        assert await listed.ends() == 0
    async with running(*PRODUCTFLO, "assistants", "check", env=env) as check:
        await check.says("ok +echo")
        assert await check.ends() == 0


async def test_it_answers_in_a_room(tmp_path: Path, redis: Redis, installed: Path, store_url: str) -> None:
    """Four lines are enough."""
    async with (
        running(*PRODUCTFLO, "assistants", "run", env=with_package(tmp_path, installed, store_url)) as worker,
        writing(redis) as log,
        listening(redis, "lab") as heard,
    ):
        await worker.says("Assistants at work: echo")
        room = await make_room(redis, log, "lab", people=["ada", "bo"], assistants=["echo"])
        await room.say("ada", "@Echo, is anybody there?", wake=["echo"])
        await heard.until(lambda events: any(isinstance(one, Typed) and not one.started for one in events))
    (answer,) = await room.answers()
    assert (answer["message"], answer["sender"]) == ("You said: is anybody there?", "echo")
