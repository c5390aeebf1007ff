"""A server with a secret lets people in by invitation."""

from pathlib import Path

from chatting import Server, web_process
from playwright.async_api import expect
from processes import PRODUCTFLO, environment, running
from reader import Meet

SECRET = "a-secret-for-tests-of-forty-characters-or-so"


async def invite(data: Path, server: Server, name: str) -> str:
    """`productflo invite`; the path of the link that it prints."""
    env = environment(data, PRODUCTFLO_SECRET=SECRET, PRODUCTFLO_PORT=str(server.port))
    async with running(*PRODUCTFLO, "invite", name, env=env) as process:
        found = await process.says(r"(/invite/\S+)")
        return found[1]


async def test_coming_in_by_invitation(meet: Meet, tmp_path: Path, room: str) -> None:
    """Without one: how to get one. With one: in, under the name on it, until one signs out. It works once."""
    env = {"PRODUCTFLO_SECRET": SECRET, "PRODUCTFLO_DEFAULT_ASSISTANTS": ","}
    async with web_process(tmp_path, **env) as server:
        dora, eve = await meet("Dora", server.http), await meet("Eve", server.http)
        await dora.page.goto(server.http)
        await expect(dora.page.get_by_role("heading", name="You need an invitation")).to_be_visible()

        link = server.http + await invite(tmp_path, server, "Dora Keller")
        await dora.page.goto(link)
        await expect(dora.page.get_by_role("heading", name="Welcome, Dora Keller")).to_be_visible()
        await dora.page.get_by_role("button", name="Come in").click()
        await expect(dora.page.get_by_role("navigation", name="Rooms")).to_contain_text("Dora Keller")
        await dora.enter(room)
        await dora.say("I am in")
        await expect(dora.unsent).to_have_count(0)
        await expect(dora.message("I am in")).to_contain_text("Dora Keller")

        await eve.page.goto(link)
        await expect(eve.page.get_by_role("heading", name="This invitation no longer works")).to_be_visible()
        await dora.page.get_by_role("button", name="Sign out").click()
        await dora.page.goto(f"{server.http}/r/{room}")
        await expect(dora.page.get_by_role("heading", name="You need an invitation")).to_be_visible()
        allowed = "404"
        dora.complaints = [text for text in dora.complaints if allowed not in text]
        eve.complaints = [text for text in eve.complaints if allowed not in text]
