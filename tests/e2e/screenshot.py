"""Draws docs/images/page.png, the real product with a team at work; run by hand, with the tests' Python."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from chatting import Client, Server  # noqa: E402
from model_server import ModelServer  # noqa: E402
from playwright.async_api import Browser  # noqa: E402
from processes import PRODUCTFLO, environment, running  # noqa: E402
from reader import Reader, open_browser, reader  # noqa: E402

PICTURE = ROOT / "docs/images/page.png"
ROOM = "scanner-housing"
PEOPLE = {"bo": "Bo Lindqvist", "chiara": "Chiara Rossi", "dev": "Dev Patel"}

LINE, SEAL, GREY = "#2b4a5e", "#b4512f", "#7a8a94"
DRAWING = f"""
<body style="margin: 0; background: #f4f6f8">
<svg xmlns="http://www.w3.org/2000/svg" width="560" height="330" fill="none" stroke="{LINE}" stroke-width="2">
  <path fill="#fff" d="M70 110q0-40 40-40h280q40 0 40 40v70q0 26-26 26h-70l-16 70q-4 18-22 18h-60q-20 0-18-20
    l6-68h-114q-40 0-40-40z"/>
  <g fill="#dcebf2"><rect x="96" y="92" width="70" height="44" rx="8"/><circle cx="258" cy="232" r="9"/></g>
  <path stroke="{SEAL}" stroke-dasharray="7 6" d="M70 142h360"/>
  <path stroke="{GREY}" d="M70 40h360M70 32v16M430 32v16M470 70v224M462 70h16M462 294h16"/>
  <g fill="{LINE}" stroke="none" font-family="system-ui" font-size="14">
    <text x="226" y="30">186 mm</text><text x="484" y="186">92 mm</text>
    <text x="300" y="134" fill="{SEAL}">seal, 0.8 mm bead</text>
  </g>
</svg>
"""

ANSWER = """For cold stores, **PC/ABS at 2.2 mm** is the safer choice:

| | PC/ABS | PA12 GF |
|---|---|---|
| impact in the cold | good | fair |
| snap fits | yes, 2.5 % strain | stiff, 1.2 % |

Before the tool is ordered, check two things:

1. the **seal groove**: 0.8 mm leaves no room for the bead to swell
2. the wall, since **120 housings of 2.0 mm** are still in stock"""

SUPPLIES = '''
from assistants import Context, assistant, tool


@tool
async def stock(part: str) -> int:
    """How many of a part are in stock."""
    return 120


@assistant("supplies", name="Supplies", description="Parts, materials and what is in stock")
async def supplies(ctx: Context):
    turns = [{"role": "user", "content": m.text} for m in [*await ctx.history(), ctx.message]]
    async for piece in ctx.llm(turns, model="house-model", tools=[stock]):
        yield piece
'''


def assistants_folder(data: Path) -> Path:
    """A folder with the assistant of the picture."""
    folder = data / "assistants"
    folder.mkdir()
    (folder / "supplies.py").write_text(SUPPLIES)
    return folder


@asynccontextmanager
async def product(model: ModelServer) -> AsyncIterator[Server]:
    """The whole product on a fresh store."""
    with tempfile.TemporaryDirectory() as data:
        folder = assistants_folder(Path(data))
        env = environment(
            Path(data),
            OPENAI_BASE_URL=model.url,
            PRODUCTFLO_HAITCH_MODEL="scripted",
            PRODUCTFLO_ASSISTANTS="haitch,supplies",
            PRODUCTFLO_ASSISTANTS_FOLDER=str(folder),
            PRODUCTFLO_DEFAULT_ASSISTANTS="haitch,supplies",
        )
        async with running(*PRODUCTFLO, "up", env=env) as process:
            found = await process.says(r"ready at http://127\.0\.0\.1:(\d+)")
            yield Server(int(found[1]))
            process.process.terminate()
            await process.ends()


async def drawing(browser: Browser, server: Server) -> str:
    """Upload a picture of a housing; its file id."""
    page = await browser.new_page(viewport={"width": 560, "height": 330})
    await page.set_content(DRAWING)
    files: Any = {"file": ("housing-rev-c.png", await page.screenshot(), "image/png")}
    await page.close()
    async with httpx.AsyncClient(base_url=server.http, headers={"X-User-Id": "chiara"}) as http:
        return str((await http.post("/files", files=files)).json()["id"])


async def earlier(team: dict[str, Client], picture: str) -> None:
    """What was said before the reader came."""
    bo, chiara, dev = team["bo"], team["chiara"], team["dev"]
    await chiara.chat(
        ROOM, "Rev C of the housing is up. The seal now runs all the way around.", attached_files=[picture]
    )
    await bo.chat(ROOM, "Nice. The supplier asks for the wall thickness by Thursday, `2.0` or `2.2` mm?")
    await dev.chat(ROOM, "The drop test in the cold cracked two of five at 2.0, so I would not go thinner.")


async def other_rooms(team: dict[str, Client], ana: Reader) -> None:
    """Rooms beside the one that is shown, two with something unread."""
    for room in ("firmware", "supplier-quotes", "test-plan", "general"):
        await ana.enter(room)
    for room, count in (("supplier-quotes", 3), ("test-plan", 1)):
        await team["dev"].join(room)
        for number in range(count):
            await team["dev"].chat(room, f"Update {number + 1}")


async def draw(browser: Browser, server: Server, model: ModelServer) -> None:
    async with AsyncExitStack() as stack:
        ana = await stack.enter_async_context(reader(browser, server.http, "Ana Moreira"))
        team = {
            user: await stack.enter_async_context(
                server.client(user, "?" + urlencode({"user_id": user, "name": name}))
            )
            for user, name in PEOPLE.items()
        }
        await ana.enter(ROOM)
        for client in team.values():
            await client.join(ROOM)
        await earlier(team, await drawing(browser, server))
        await other_rooms(team, ana)
        await ana.enter(ROOM)
        await ana.say("@supplies PC/ABS or glass-filled PA12, given cold stores and the snap fits?")
        exchange = await model.asked()
        asked = await team["bo"].until("chat_response", sender="ana-moreira")
        await exchange.call("stock", {"part": "housing-rev-b"})
        await exchange.finish("tool_calls", prompt_tokens=410, completion_tokens=18)
        exchange = await model.asked()
        for user in ("bo", "chiara"):
            await team[user].say("read_receipt", ROOM, message_id=asked["data"]["message_id"], sender=user)
        await team["dev"].say("presence", None, status="busy", sender="dev")
        await exchange.say(ANSWER)
        await exchange.finish(prompt_tokens=452, completion_tokens=96)
        await ana.message("used 1 tool").wait_for()
        await team["bo"].say("typing", ROOM, status="started", sender="bo")
        await ana.typing_line.get_by_text("Bo Lindqvist").wait_for()
        await ana.page.mouse.move(600, 5)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        await ana.page.screenshot(path=PICTURE)


async def main() -> None:
    async with ModelServer() as model, product(model) as server, open_browser() as browser:
        await draw(browser, server, model)


if __name__ == "__main__":
    asyncio.run(main())
