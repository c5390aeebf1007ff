"""The package of examples/, built into a wheel and installed into an environment of its own, at work."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from model_server import ModelServer
from processes import environment, running
from redis.asyncio import Redis
from rooms import listening, make_room, writing

from productflo.store.events import Typed

EXAMPLE = Path(__file__).parents[2] / "examples" / "parts-assistant"
SETTINGS = """
[assistants.parts]
name     = "Parts of lab 3"
limits   = { timeout = 30 }
settings = { model = "local", stock = { "M3x8" = 12 } }
[assistants.parts.rooms."prototype"]
settings = { model = "larger" }
"""
WRONG = '[assistants.parts]\nsettings = { stok = { "M3x8" = 12 } }'


class Installed:
    """An environment with our packages and the example, which is there as a wheel only."""

    def __init__(self, path: Path) -> None:
        venv.create(path / "env", with_pip=False)
        self.python = str(path / "env" / "bin" / "python")
        found = subprocess.run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        )
        site = Path(found.stdout.strip())
        ours = sysconfig.get_path("purelib")
        (site / "beside.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        with zipfile.ZipFile(_wheel(path)) as archive:  # A pure wheel is installed by unpacking it.
            archive.extractall(site)

    def environment(self, data: Path, store_url: str, **more: str) -> dict[str, str]:
        """For a command in it, whose settings are those of a file in the data folder."""
        env = environment(data, REDIS_URL=store_url, PRODUCTFLO_ASSISTANTS=" ", **more)
        return env | {"PRODUCTFLO_ASSISTANTS_FILE": str(data / "assistants.toml")}

    @property
    def productflo(self) -> tuple[str, ...]:
        return (self.python, "-m", "productflo.cli")


def _wheel(path: Path) -> Path:
    """The example's wheel, built from a copy."""
    project = shutil.copytree(EXAMPLE, path / "project", ignore=shutil.ignore_patterns("dist", ".*"))
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=project, check=True)
    (wheel,) = (project / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The environment, made once."""
    return Installed(tmp_path_factory.mktemp("third"))


async def test_it_is_listed_and_checked(tmp_path: Path, installed: Installed, store_url: str) -> None:
    """With its package and version; what is set wrong is told by the name of its own setting."""
    (tmp_path / "assistants.toml").write_text(SETTINGS)
    env = installed.environment(tmp_path, store_url)
    async with running(*installed.productflo, "assistants", "list", env=env) as listed:
        await listed.says(r"\* parts +parts-assistant 1\.2\.0")
        assert await listed.ends() == 0
    async with running(*installed.productflo, "assistants", "check", env=env) as check:
        await check.says("ok +parts: What is in stock")
        assert await check.ends() == 0
    (tmp_path / "assistants.toml").write_text(WRONG)
    async with running(*installed.productflo, "assistants", "check", env=env) as check:
        await check.says(r"broken +parts: settings\.stok is not known; did you mean stock\?")
        assert await check.ends() == 1


def test_its_own_tests_pass_there(installed: Installed, tmp_path: Path) -> None:
    """With the fixture that comes with ours, found by its entry point; and its types hold."""
    tests = shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    done = subprocess.run(
        [installed.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    cache = EXAMPLE.parents[1] / ".mypy_cache" / "example"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), "src", "tests"],
        cwd=EXAMPLE,
        env={**os.environ, "MYPYPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_it_answers_in_a_room(
    tmp_path: Path, redis: Redis, installed: Installed, store_url: str
) -> None:
    """As the operator has set it, in that room; its tool's call stands on the answer."""
    (tmp_path / "assistants.toml").write_text(SETTINGS)
    async with ModelServer() as server, writing(redis) as log, listening(redis, "prototype") as heard:
        env = installed.environment(tmp_path, store_url, OPENAI_BASE_URL=server.url)
        async with running(*installed.productflo, "assistants", "run", env=env) as worker:
            await worker.says("Assistants at work: parts")
            room = await make_room(redis, log, "prototype", people=["ada", "bo"], assistants=["parts"])
            await room.say("ada", "@Parts, how many M3x8?", wake=["parts"])
            first = await server.asked()
            call = {"name": "in_stock", "arguments": '{"part": "M3x8"}'}
            await first.chunk(
                {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": call}]}
            )
            await first.finish("tool_calls")
            second = await server.asked()
            await second.say("Twelve.")
            await second.finish()
            await heard.until(lambda seen: any(isinstance(one, Typed) and not one.started for one in seen))
    (answer,) = await room.answers()
    assert (answer["message"], answer["sender"], first.body["model"]) == ("Twelve.", "parts", "larger")
    assert [(one["name"], one["result"]) for one in answer["assistant"]["tools"]] == [("in_stock", "12")]
    assert second.body["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "12"}
