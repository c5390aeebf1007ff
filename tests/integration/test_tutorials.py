"""The programs of the tutorials do what their text says."""

import re
import sys
from pathlib import Path

from chatting import Server
from processes import running

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
