"""An assistant that acts, in a real worker: only what a person has approved is done."""

from collections.abc import AsyncIterator
from pathlib import Path

from chatting import web_process
from playwright.async_api import expect
from reader import Meet
from workers import working

from assistants import Context, assistant
from assistants.errors import NotApproved


@assistant("buyer", name="Buyer")
async def buyer(ctx: Context) -> AsyncIterator[str]:
    """Order what it is told to."""
    ctx.status("looking for a supplier")
    try:
        await ctx.ask("Order 40 brackets", arguments={"part": "B-112", "count": 40})
    except NotApproved as error:
        yield f"Then not: {error}"
        return
    yield "They are ordered."


async def test_what_one_person_decides_the_other_sees(
    meet: Meet, store_url: str, tmp_path: Path, room: str
) -> None:
    """The asker may, another member may not; one who comes late finds it; then it is done."""
    env = {"REDIS_URL": store_url, "PRODUCTFLO_DEFAULT_ASSISTANTS": "buyer"}
    async with working(store_url, buyer), web_process(tmp_path, **env) as server:
        ana, bo = await meet("Ana", server.http), await meet("Bo", server.http)
        await ana.enter(room)
        await ana.say("order brackets")
        cards = [
            one.page.get_by_role("group", name="Buyer asks for approval: Order 40 brackets")
            for one in (ana, bo)
        ]
        await expect(cards[0].get_by_role("button", name="Approve")).to_be_visible()
        await expect(ana.growing).to_contain_text("looking for a supplier")
        await bo.enter(room)
        await bo.page.reload()  # The list of rooms then tells who made it.
        await expect(cards[1]).to_contain_text('"count": 40')
        await expect(cards[1]).to_contain_text(f"{ana.name} can approve or deny it.")
        await cards[0].get_by_role("button", name="Approve").click()
        for person in (ana, bo):
            await expect(person.message("They are ordered.")).to_be_visible()
        await expect(cards[0]).to_have_count(0)
        await expect(cards[1]).to_have_count(0)
        done = bo.message("They are ordered.")
        await done.locator("summary", has_text="Asked for 1 approval").click()
        decided = done.get_by_role("list", name="Approvals")
        await expect(decided).to_contain_text(f"Order 40 brackets Approved by {ana.name}.")
        await expect(decided).to_contain_text('"part": "B-112"')

        await ana.say("@buyer order brackets again")
        await cards[0].get_by_role("button", name="Deny").click()
        await expect(ana.message("Then not:")).to_be_visible()
