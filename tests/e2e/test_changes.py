"""What people do to messages: changing, deleting, reacting, rating; everybody sees it."""

from model_server import ModelServer
from playwright.async_api import expect
from reader import Meet


async def test_a_message_is_changed_in_its_place(meet: Meet, room: str) -> None:
    """By the arrow up in an empty field; Escape leaves it, Enter saves; both see it, also after a reload."""
    ana, ben = await meet("Ana"), await meet("Ben")
    await ana.enter(room)
    await ben.enter(room)
    await ana.say("Ship it on Mnoday")
    await expect(ana.unsent).to_have_count(0)
    field = ana.page.get_by_role("textbox", name="Edit your message")
    await ana.composer.press("ArrowUp")
    await expect(field).to_be_focused()
    await field.press("Escape")
    await expect(ana.composer).to_be_focused()
    await ana.composer.press("ArrowUp")
    await field.fill("Ship it on Monday")
    await field.press("Enter")
    for person in (ana, ben):
        await expect(person.message("Ship it on Monday")).to_contain_text("edited")
    await ben.page.reload()
    await expect(ben.message("Ship it on Monday")).to_contain_text("edited")
    await expect(ben.messages).to_have_count(1)


async def test_a_message_is_deleted_for_everybody(meet: Meet, room: str) -> None:
    """After a question; what it said is gone, its place stays, also after a reload."""
    ana, ben = await meet("Ana"), await meet("Ben")
    await ana.enter(room)
    await ben.enter(room)
    await ana.say("The password is hunter2")
    await ana.say("Oh")
    await expect(ben.message("hunter2")).to_be_visible()
    await ana.message("hunter2").hover()
    await ana.message("hunter2").get_by_role("button", name="Delete").click()
    await expect(ben.message("hunter2")).to_be_visible()
    await ana.message("hunter2").get_by_role("button", name="Delete").click()
    for person in (ana, ben):
        await expect(person.message("hunter2")).to_have_count(0)
        await expect(person.message("A message was deleted.")).to_be_visible()
    await ben.page.reload()
    await expect(ben.message("A message was deleted.")).to_be_visible()
    await expect(ben.message("Oh")).to_be_visible()


async def test_reactions_are_given_and_taken_back(meet: Meet, room: str) -> None:
    """One gives it from the tools, another joins with a press, and both counts go down again."""
    ana, ben = await meet("Ana"), await meet("Ben")
    await ana.enter(room)
    await ben.enter(room)
    await ana.say("The board is back")
    await ben.message("board").hover()
    await ben.message("board").get_by_role("button", name="React").click()
    await ben.page.get_by_role("button", name="React with 🎉").click()
    pill = ana.message("board").get_by_role("listitem").get_by_role("button")
    await expect(pill).to_have_text("🎉 1")
    await pill.click()
    await expect(ben.message("board").get_by_role("listitem")).to_have_text("🎉 2")
    await expect(pill).to_have_attribute("aria-pressed", "true")
    await pill.click()
    await expect(ben.message("board").get_by_role("listitem")).to_have_text("🎉 1")


async def test_an_answer_is_rated(meet: Meet, room: str, model: ModelServer) -> None:
    """By who reads it; the page shows what they said."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.say("is the casing tight?")
    exchange = await model.asked("is the casing tight?")
    await exchange.say("As a drum.")
    await exchange.finish()
    answer = ana.message("As a drum.")
    await expect(answer).to_be_visible()
    await answer.hover()
    good = answer.get_by_role("button", name="Good answer")
    await good.click()
    await expect(good).to_have_attribute("aria-pressed", "true")
