"""The rights that docs/how-to/deploy.md gives the store's user are enough, and no others are used."""

import re
import shlex
from pathlib import Path

import httpx
from chatting import web_process
from model_server import ModelServer, speaks
from processes import PRODUCTFLO, environment, running
from topologies import QUICK, nodes

from productflo.store.connect import open_redis
from productflo.store.presence import PresenceStore

LIMITED = """
[assistants.reviewer]
prompt = "You review."
limits = { per_user = "9/h", per_room = "9/h", user_tokens_per_day = 9999, at_once = 1 }
"""
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "deploy.md"


def documented() -> list[str]:
    """The command that makes the user, as an operator copies it."""
    found = re.search(r"^ACL SETUSER productflo (?:[^\n]*\\\n)*[^\n]*", PAGE.read_text(), re.MULTILINE)
    assert found is not None
    return shlex.split(found[0].replace("\\\n", " "))


async def test_the_documented_rights_are_enough(tmp_path: Path) -> None:
    """For people, files, teams, invitations and assistants with limits; the store refused nothing."""
    (tmp_path / "assistants.toml").write_text(LIMITED)
    async with nodes(tmp_path, QUICK) as (store,), ModelServer() as model:
        model.play(speaks("Solid."))
        rule = [word.replace("PASSWORD", "secret") for word in documented()]
        assert await store.redis.execute_command(*rule) == "OK"
        url = f"redis://productflo:secret@127.0.0.1:{store.port}"
        env = {"REDIS_URL": url, "PRODUCTFLO_DEFAULT_ASSISTANTS": "guide,reviewer", "PRODUCTFLO_SECRET": ""}
        worker = environment(
            tmp_path / "worker",
            PRODUCTFLO_ASSISTANTS_FILE=str(tmp_path / "assistants.toml"),
            OPENAI_BASE_URL=model.url,
            **env,
        )
        async with (
            web_process(tmp_path / "web", **env) as server,
            running(*PRODUCTFLO, "assistants", "run", env=worker),
            server.client("ana") as ana,
            server.client("ben") as ben,
        ):
            async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ana"}) as http:
                await http.put("/api/teams/board", json={"members": ["ben"]})
                file = (await http.post("/files", files={"file": ("plan.txt", b"plan")})).json()
                assert (await http.get("/readyz")).status_code == 200
            await ana.join("room")
            await ben.join("room")
            said = await ana.chat("room", "see the plan", attached_files=[file["id"]])
            about = {"message_id": said["data"]["message_id"]}
            await ben.say("read_receipt", "room", **about)
            await ana.until("read_receipt")
            await ben.say("presence", "room", status="busy")
            await ben.say("reaction", "room", emoji="+1", action="add", **about)
            await ana.until("reaction")
            await ana.say("edit", "room", message="see it", **about)
            await ben.until("edit")
            await ana.say("delete", "room", **about)
            await ben.until("delete")
            await ben.say("leave", "room")
            await ana.until("leave")
            await ana.say("chat", "room", sender="ana", message="@guide help")
            await ana.until("chat_response", sender="guide")
            await ana.say("chat", "room", sender="ana", message="@reviewer look")
            answer = await ana.until("chat_response", sender="reviewer")
            assert answer["data"]["message"] == "Solid."
        async with open_redis(url) as redis:
            await PresenceStore(redis).sweep()
            assert await redis.execute_command("WAIT", 0, 10) == 0
        refused = [entry for entry in await store.redis.acl_log() if entry["reason"] != "auth"]
        assert refused == []
