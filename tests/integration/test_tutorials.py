"""The programs of the tutorials do what their text says."""

import asyncio
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chatting import Server
from model_server import ModelServer, speaks
from processes import PATIENCE_SECONDS, PRODUCTFLO, environment, running

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"


async def test_the_first_client(server: Server, tmp_path: Path) -> None:
    """It joins, says hello once over two lives, and prints what others say."""
    (program,) = re.findall(r"```python\n(.*?)```", (TUTORIALS / "first-client.md").read_text(), re.DOTALL)
    path = tmp_path / "client.py"
    path.write_text(program.replace("ws://127.0.0.1:8000/ws", server.ws))
    async with server.client("ana") as ana:
        await ana.join("general")
        for _ in range(2):
            async with running(sys.executable, "-u", str(path), env={}) as client:
                await client.says(r"\d+\. ben: hello")
                said = await ana.chat("general", "good morning, Ben")
                found = await client.says(r"(\d+)\. ana: good morning, Ben")
                assert int(found[1]) == said["data"]["seq"]
        hellos = [one for one in ana.heard if one["data"].get("message_id") == "hello-1"]
        assert len(hellos) == 1


class Reader:
    """Who does what the tutorial says, in a folder that stands for the checkout."""

    def __init__(self, folder: Path, model: str) -> None:
        self.checkout = folder / "productflo"
        self.checkout.mkdir()
        self.package = folder / "parts-assistant"
        text = (TUTORIALS / "first-assistant.md").read_text()
        self.blocks = re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL)
        self.env = environment(folder, OPENAI_BASE_URL=model)

    def next(self, language: str) -> str:
        """The next block; it must be of this language."""
        found, content = self.blocks.pop(0)
        assert found == language, f"expected {language!r} and found {found!r}: {content}"
        return str(content)

    def adds(self, name: str) -> None:
        """Append the next block to a file of the checkout."""
        path = self.checkout / name
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write(self.next(path.suffix.removeprefix(".").replace("py", "python")))

    def writes(self, name: str) -> None:
        """Let the next block be a file of the package."""
        (self.package / name).write_text(self.next("python"))

    async def runs(self, command: str, said: str = "") -> str:
        """Run a command that begins with ./run; what it prints. Fails where it fails."""
        words = command.split()
        assert words[0] == "./run"
        process = await asyncio.create_subprocess_exec(
            *PRODUCTFLO,
            *words[1:],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.checkout,
            env=self.env,
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            told, _ = await process.communicate(said.encode())
        assert process.returncode == 0, told.decode()
        return told.decode()

    async def tests(self) -> None:
        """Run the package's tests; its folder is on the path, where the tutorial installs it."""
        env = self.env | {"PYTHONPATH": str(self.package / "src")}
        pytest_ = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(self.package))
        async with running(*pytest_, env=env) as passing:
            await passing.says("1 passed")
            assert await passing.ends() == 0


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model that says the same to everybody."""
    async with ModelServer() as server:
        server.play(speaks("It is too heavy."))
        yield server


async def test_the_first_assistant(tmp_path: Path, model: ModelServer) -> None:
    """Persona, code in a folder, package with a test, tool: each works as it is printed."""
    reader = Reader(tmp_path, model.url)
    reader.adds("assistants.toml")
    told = await reader.runs(reader.next("sh"))
    assert reader.next("").strip() in told.splitlines()
    assert await reader.runs(reader.next("sh").strip(), "It has ribs.\n") == "critic: It is too heavy.\n"

    reader.adds("own/echo.py")
    export, talk = reader.next("sh").strip().splitlines()
    variable, value = export.removeprefix("export ").split("=")
    reader.env[variable] = value
    said, command = talk.removeprefix("echo ").split(" | ")
    told = await reader.runs(command, f"{said}\n")
    assert reader.next("") == told

    reader.adds("assistants.toml")
    assert reader.next("sh") == "PRODUCTFLO_DEFAULT_ASSISTANTS=echo ./run\n"
    assert "ok      echo: Echo" in await reader.runs("./run assistants check")
    assert reader.next("sh").startswith("curl -X PUT")  # tests/integration/test_broken_assistants.py does so

    await reader.runs(reader.next("sh").strip())
    install, test = reader.next("sh").strip().splitlines()
    assert ("pip" in install, "pytest ../parts-assistant" in test) == (True, True)
    await reader.tests()

    reader.writes("src/parts_assistant/__init__.py")
    reader.writes("tests/test_parts.py")
    assert reader.next("sh").strip() == test
    await reader.tests()

    reader.adds("assistants.toml")
    install_as_wheel(reader)
    assert "ok      parts: Parts" in await reader.runs(reader.next("sh").strip())
    assert reader.blocks == []


def install_as_wheel(reader: Reader) -> None:
    """Put the package on the path with its entry point, as pip leaves it."""
    wheel = (sys.executable, "-m", "hatchling", "build", "-t", "wheel")
    subprocess.run(wheel, cwd=reader.package, check=True, capture_output=True)
    (built,) = (reader.package / "dist").glob("*.whl")
    site = reader.package.parent / "site"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    reader.env["PYTHONPATH"] = str(site)
