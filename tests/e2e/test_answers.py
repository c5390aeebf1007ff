"""An assistant answers in a room: everybody sees it at work, and anybody may stop it."""

import asyncio

from model_server import ModelServer
from playwright.async_api import expect
from reader import Meet

STOPPED_WITHIN_SECONDS = 5.0
"""Far above what it takes: the test is of whether, another one of how fast."""


async def test_two_people_and_an_assistant(meet: Meet, model: ModelServer, room: str) -> None:
    """Both see the assistant at work and its answer grow; the other one stops it; the model hears of it."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)

    await ana.say("@haitch which plastic should the housing be made of?")
    exchange = await model.asked("which plastic")
    for person in (ana, bo):
        await expect(person.growing).to_contain_text("Haitch")
        await expect(person.growing).to_contain_text("thinking")
    await exchange.say("For a **handheld** ")
    for person in (ana, bo):
        await expect(person.growing.locator("strong", has_text="handheld")).to_be_visible()
    await exchange.say("device, PC/ABS is ")
    for person in (ana, bo):
        await expect(person.growing).to_contain_text("For a handheld device, PC/ABS is")

    await bo.page.get_by_role("button", name="Stop the answer of Haitch").click()
    await asyncio.wait_for(exchange.disconnected.wait(), STOPPED_WITHIN_SECONDS)
    for person, who in ((ana, bo.name), (bo, "you")):
        await expect(person.growing).to_have_count(0)
        answer = person.message("For a handheld device, PC/ABS is")
        await expect(answer).to_have_count(1)
        await expect(answer).to_contain_text("Assistant")
        await expect(answer).to_contain_text(f"Stopped by {who}.")
    await expect(bo.composer).to_be_focused()


async def test_an_answer_to_its_end(meet: Meet, model: ModelServer, room: str) -> None:
    """A finished answer stands once, as Markdown, and is announced; one who comes later reads the same."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.say("a table, please")
    exchange = await model.asked("a table, please")
    status = ana.page.get_by_role("status").filter(has_text="Haitch")
    await exchange.say("| part | g |\n|---|---|\n", "| lid | 12 |\n\n```py\nmass = 12\n```\n")
    await expect(status).to_have_text("Haitch is answering.")
    await exchange.finish()
    await expect(status).to_have_text("Haitch is done.")
    answer = ana.messages.filter(has=ana.page.get_by_role("cell", name="lid"))
    await expect(answer).to_have_count(1)
    await expect(ana.growing).to_have_count(0)

    bo = await meet("Bo")
    await bo.enter(room)
    await expect(bo.messages.filter(has=bo.page.get_by_role("cell", name="lid"))).to_have_count(1)
    await expect(bo.page.get_by_role("button", name="Copy code")).to_be_visible()


async def test_coming_in_the_middle_of_an_answer(meet: Meet, model: ModelServer, room: str) -> None:
    """One who reloads while an answer is written sees what there was of it, and in the end all of it."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.say("count to six")
    exchange = await model.asked("count to six")
    await exchange.say("one two ", "three ")
    await expect(ana.growing).to_contain_text("one two three")
    await ana.page.reload()
    await expect(ana.growing).to_contain_text("one two")
    await exchange.say("four five six")
    await exchange.finish()
    await expect(ana.message("one two three four five six")).to_have_count(1)


async def test_mentioning_by_keyboard(meet: Meet, model: ModelServer, room: str) -> None:
    """`@`, the first letters, Enter: the assistant's mention stands in the text, and nothing was sent yet."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await ana.composer.press_sequentially("ask @")
    options = ana.page.get_by_role("listbox", name="People and assistants").get_by_role("option")
    await expect(options.nth(0)).to_contain_text("Haitch")
    await expect(options.nth(1)).to_contain_text(bo.name)
    await expect(bo.typing_line).to_have_text(f"{ana.name} is typing")
    await ana.composer.press("ArrowDown")
    await ana.composer.press("Enter")
    await expect(ana.composer).to_have_value(f"ask @{bo.user_id} ")
    await expect(ana.messages).to_have_count(0)
    await ana.composer.press("Enter")
    await expect(bo.message(f"@{bo.user_id}").locator(".mention")).to_be_visible()
    await expect(bo.typing_line).to_have_text("")
