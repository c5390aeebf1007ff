"""Asking an assistant: in turn, taking a question back, asking for another answer."""

from model_server import ModelServer
from playwright.async_api import expect
from reader import Meet


async def test_two_ask_and_one_takes_the_question_back(meet: Meet, model: ModelServer, room: str) -> None:
    """Both see who waits; who asked withdraws; the assistant is never asked, and nobody waits any more."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await ana.say("@haitch which plastic?")
    exchange = await model.asked("which plastic?")
    await exchange.say("PC/ABS, ")
    await bo.say("@haitch and which seal?")
    for person in (ana, bo):
        await expect(person.message("and which seal?")).to_contain_text("Next in the queue of Haitch")
    await expect(ana.message("and which seal?").get_by_role("button", name="Withdraw")).to_have_count(0)
    await bo.message("and which seal?").get_by_role("button", name="Withdraw").click()
    for person in (ana, bo):
        await expect(person.message("and which seal?")).not_to_contain_text("in the queue")
    await exchange.say("surely.")
    await exchange.finish()
    await expect(bo.message("PC/ABS, surely.")).to_be_visible()
    await expect(bo.growing).to_have_count(0)

    await bo.say("@haitch thanks, and which screw?")
    exchange = await model.asked("which screw?")
    await exchange.say("M3.")
    await exchange.finish()
    await expect(ana.message("M3.")).to_be_visible()
    await expect(ana.messages).to_have_count(5)


async def test_another_answer(meet: Meet, model: ModelServer, room: str) -> None:
    """The same question is answered once more, in a message of its own that leads to the first answer."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.say("how thick is the lid?")
    exchange = await model.asked("how thick")
    await exchange.say("2 mm, I guess.")
    await exchange.finish()
    await ana.message("2 mm, I guess.").hover()
    await ana.message("2 mm, I guess.").get_by_role("button", name="Regenerate").click()
    exchange = await model.asked("how thick")
    await exchange.say("2.2 mm, as drawn.")
    await exchange.finish()
    second = ana.message("2.2 mm, as drawn.")
    await second.locator("summary").click()
    await second.get_by_role("button", name="an earlier answer").click()
    await expect(ana.message("2 mm, I guess.")).to_be_in_viewport()
