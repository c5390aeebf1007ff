"""Typed requests as the page shows them."""

from collections.abc import AsyncIterator
from pathlib import Path

from chatting import web_process
from playwright.async_api import expect
from pydantic import BaseModel
from reader import Meet
from workers import working

from assistants import Context, assistant


class Check(BaseModel):
    """What `bom_check` takes; it has no query."""

    part: str
    count: int


@assistant("bom", name="Bom", requests={"bom_check": Check})
async def bom(ctx: Context) -> AsyncIterator[str]:
    """Answer anything."""
    yield "All there."


async def test_a_request_without_a_query_shows_its_fields_once(
    meet: Meet, store_url: str, tmp_path: Path, room: str
) -> None:
    """The server says the fields in the message's words, for clients that know no requests."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_DEFAULT_ASSISTANTS": "bom"}
    async with working(store_url, bom), web_process(tmp_path, **env) as server:
        ana = await meet("Ana", server.http)
        await ana.enter(room)
        async with server.client("dev") as dev:
            await dev.join(room)
            await dev.say("bom_check", room, part="A-7", count=4)
            await expect(ana.message("All there.").last).to_be_visible()
        asked = ana.messages.filter(has=ana.page.locator(".badge", has_text="Bom check"))
        await expect(asked.locator("dd")).to_have_text(["A-7", "4"])
        await expect(asked.get_by_text("A-7")).to_have_count(1)
        await expect(asked.locator(".markdown")).to_have_count(0)
