"""A server with a secret lets people with an account in by their password."""

import asyncio
import subprocess
from pathlib import Path

from chatting import web_process
from playwright.async_api import expect
from processes import PRODUCTFLO, environment
from reader import Meet

SECRET = "a-secret-for-tests-of-forty-characters-or-so"
PASSWORD = "a housing of cast zinc"


async def test_coming_in_with_a_password(meet: Meet, tmp_path: Path, room: str) -> None:
    """A wrong password is told and can be mended; the right one leads to the room in the address."""
    env = {"PRODUCTFLO_SECRET": SECRET, "PRODUCTFLO_DEFAULT_ASSISTANTS": ","}
    async with web_process(tmp_path, **env) as server:
        command = [*PRODUCTFLO, "user", "add", "fay@example.com", "--name", "Fay Ito"]
        await asyncio.to_thread(
            subprocess.run, command, env=environment(tmp_path, **env), input=PASSWORD, text=True, check=True
        )
        fay = await meet("Fay", server.http)
        await fay.page.goto(f"{server.http}/r/{room}")
        await fay.page.get_by_label("Email").fill("Fay@example.com")
        await fay.page.get_by_label("Password").fill("a housing of cast iron")
        await fay.page.keyboard.press("Enter")
        await expect(fay.page.get_by_role("alert")).to_have_text("The email or the password is wrong")

        await fay.page.get_by_label("Password").fill(PASSWORD)
        await fay.page.get_by_role("button", name="Sign in").click()
        await expect(fay.page.get_by_role("navigation", name="Rooms")).to_contain_text("Fay Ito")
        await fay.composer.wait_for()
        await fay.say("I am in")
        await expect(fay.unsent).to_have_count(0)  # What is under way at the end would be missed.
        await expect(fay.message("I am in")).to_contain_text("Fay Ito")
        assert await fay.page.evaluate("document.cookie") == ""
        allowed = "401"
        fay.complaints = [text for text in fay.complaints if allowed not in text]
