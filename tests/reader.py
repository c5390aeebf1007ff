"""People at the web page: each with a browser profile of their own, and what its console complained of."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from browser import find_browser
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, async_playwright

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""So that the browser asks nobody but our server, and draws without a graphics card."""
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 320, "height": 640}
LOST = "net::ERR_"
"""How the console tells that a server is away, which some tests make so."""


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser without a window. Raises `NoBrowser` where none is installed."""
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(eq=False)
class Reader:
    """One person at the page of one server."""

    name: str
    address: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the page's console, such as a broken Content-Security-Policy."""

    @property
    def user_id(self) -> str:
        """What the page makes of the name."""
        return self.name.lower().replace(" ", "-")

    @property
    def composer(self) -> Locator:
        return self.page.locator("#composer")

    @property
    def messages(self) -> Locator:
        """Everything in the log: confirmed messages, and one's own on their way."""
        return self.page.get_by_role("log").get_by_role("article")

    @property
    def unsent(self) -> Locator:
        return self.page.locator(".unsent")

    @property
    def growing(self) -> Locator:
        """Answers that are being written."""
        return self.page.locator(".is-growing")

    @property
    def scroller(self) -> Locator:
        return self.page.locator(".scroller")

    @property
    def typing_line(self) -> Locator:
        return self.page.locator(".typing-line")

    def message(self, text: str) -> Locator:
        """The messages with this text in them."""
        return self.messages.filter(has_text=text)

    async def enter(self, room: str) -> None:
        """Open a room by its address, giving one's name where the page asks for it."""
        await self.page.goto(f"{self.address}/r/{room}")
        asked = self.page.get_by_label("Your name")
        await asked.or_(self.composer).first.wait_for()
        if await asked.is_visible():
            await asked.fill(self.name)
            await self.page.keyboard.press("Enter")
        await self.page.locator("[role=log][aria-busy=false]").wait_for(state="attached")

    async def say(self, text: str) -> None:
        """Type a message and send it with Enter."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    def complained(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and LOST not in message.text:
            self.complaints.append(message.text)


Meet = Callable[..., Awaitable[Reader]]
"""The fixture: `meet("Ana")` is a person at the page; options of the browser's context may follow."""


@asynccontextmanager
async def reader(browser: Browser, address: str, name: str, **context: object) -> AsyncIterator[Reader]:
    """A person with a fresh browser profile; `context` is playwright's, such as `color_scheme`."""
    options: dict[str, object] = {"viewport": DESK, "locale": "en-GB", "reduced_motion": "reduce", **context}
    opened = await browser.new_context(**options)  # type: ignore[arg-type]
    try:
        person = Reader(name, address, opened, await opened.new_page())
        person.page.on("console", person.complained)
        person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
        yield person
    finally:
        await opened.close()
