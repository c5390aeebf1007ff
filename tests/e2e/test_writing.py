"""Writing by keyboard: what sends, what breaks a line, what does neither."""

from playwright.async_api import expect
from reader import Meet


async def test_what_sends_and_what_does_not(meet: Meet, room: str) -> None:
    """Enter sends; Shift+Enter breaks the line; Enter that confirms an input method's word does neither."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.composer.press_sequentially("one")
    await ana.composer.press("Shift+Enter")
    await ana.composer.press_sequentially("two")
    await ana.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    await expect(ana.composer).to_have_value("one\ntwo")
    await expect(ana.messages).to_have_count(0)
    await ana.composer.press("Enter")
    await expect(ana.messages).to_have_count(1)
    await expect(ana.composer).to_have_value("")
    await expect(ana.composer).to_be_focused()
    await ana.composer.fill("   ")
    await ana.composer.press("Enter")
    await ana.say("three")
    await expect(ana.messages).to_have_count(2)


async def test_escape_closes_one_thing_at_a_time(meet: Meet, room: str) -> None:
    """The suggestions first, then the reply; the text stays."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.say("first")
    await expect(ana.unsent).to_have_count(0)
    await ana.message("first").hover()
    await ana.page.get_by_role("button", name="Reply to").click()
    await ana.composer.press_sequentially("@ha")
    menu = ana.page.get_by_role("listbox", name="People and assistants")
    reply = ana.page.get_by_role("button", name="Do not reply")
    await expect(menu).to_be_visible()
    await ana.composer.press("Escape")
    await expect(menu).to_have_count(0)
    await expect(reply).to_be_visible()
    await ana.composer.press("Escape")
    await expect(reply).to_have_count(0)
    await expect(ana.composer).to_have_value("@ha")
