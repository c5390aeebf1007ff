"""Everything that the server keeps is documented."""

import re
from pathlib import Path

import httpx
from chatting import Server
from redis.asyncio import Redis

KEYS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "redis-keys.md"


def documented() -> list[re.Pattern[str]]:
    """The keys of the page, as patterns."""
    names = re.findall(r"^\| `([^`]+)` \| (?!channel)", KEYS_PAGE.read_text(), re.MULTILINE)
    assert len(names) > 15
    placeholders = {r"\{room\}": r"\{[^{}]+\}", r"\{p/NN\}": r"\{p/\d\d\}", "<id>": ".+", "<assistant>": ".+"}
    patterns = []
    for name in names:
        pattern = re.escape(name)
        for placeholder, meaning in placeholders.items():
            pattern = pattern.replace(placeholder, meaning)
        patterns.append(re.compile(pattern))
    return patterns


async def test_every_key_is_documented(server: Server, redis: Redis, room: str) -> None:
    """After people joined, said, read, attached and left, every key in the store stands in the reference."""
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "ana"}) as http:
        await http.put("/api/teams/board", json={"members": ["ben"]})
        file = (await http.post("/files", files={"file": ("plan.txt", b"plan")})).json()
    async with server.client("ana") as ana, server.client("ben") as ben:
        await ana.join(room)
        await ben.join(room)
        said = await ana.chat(room, "see the plan", attached_files=[file["id"]])
        await ben.say("read_receipt", room, message_id=said["data"]["message_id"])
        await ana.until("read_receipt")
        await ben.say("reaction", room, message_id=said["data"]["message_id"], emoji="+1", action="add")
        await ana.until("reaction")
        await ana.say("delete", room, message_id=said["data"]["message_id"])
        await ana.until("delete")
        await ben.say("presence", room, status="busy")
        await ana.until("presence", sender="ben", room_id=room)
        kept = {key.decode() async for key in redis.scan_iter()}
    patterns = documented()
    of_the_room = {f"{{{room}}}:{name}" for name in ("log", "messages", "deleted", "seen")}
    assert of_the_room | {"team:board", f"file:{file['id']}"} <= kept
    assert not [key for key in kept if not any(pattern.fullmatch(key) for pattern in patterns)]
