"""The assistants of a room: who is there, how they listen, who could be; and people who are brought in."""

from playwright.async_api import expect
from reader import Meet


async def test_an_assistant_is_added_listens_and_is_removed(meet: Meet, room: str) -> None:
    """From the list of members; it answers what is said to nobody once it listens to everything."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await ana.page.get_by_role("button", name="Manage assistants").click()
    dialog = ana.page.get_by_role("dialog", name=f"Assistants of #{room}")
    present = dialog.get_by_role("region", name="In this room")
    await expect(present.get_by_role("listitem")).to_contain_text(["Haitch"])
    await dialog.get_by_role("button", name="Add Guide").click()
    await expect(present.get_by_role("listitem")).to_contain_text(["Guide", "Haitch"])
    await expect(bo.page.get_by_role("region", name="Assistants")).to_contain_text("Guide")

    await present.get_by_label("How Guide listens").select_option("to every message")
    await present.get_by_label("How Haitch listens").select_option("not at all")
    await expect(dialog).to_have_attribute("aria-busy", "false")
    await ana.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await bo.say("who is here?")
    await expect(ana.message("I show people around")).to_be_visible()

    await ana.page.get_by_role("button", name="Manage assistants").click()
    await expect(present.get_by_label("How Guide listens")).to_have_value("all")
    await present.get_by_role("button", name="Remove Guide").click()
    await expect(dialog.get_by_role("heading", name="Assistants of")).to_be_focused()
    await expect(present.get_by_role("listitem")).to_have_count(1)
    await expect(bo.page.get_by_role("region", name="Assistants")).not_to_contain_text("Guide")


async def test_who_may_stop_answers_is_the_creator_s_choice(meet: Meet, room: str) -> None:
    """Who made the room says so; another member finds it said."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await ana.page.get_by_role("button", name="Manage assistants").click()
    choice = ana.page.get_by_label("Who may stop an answer")
    await expect(choice).to_have_value("members")
    async with ana.page.expect_response(lambda one: one.request.method == "PATCH") as told:
        await choice.select_option("asker")
    assert (await told.value).status == 204
    await bo.page.get_by_role("button", name="Manage assistants").click()
    await expect(bo.page.get_by_role("region", name="Stopping answers")).to_contain_text("Only who asked")
    await expect(bo.page.get_by_label("Who may stop an answer")).to_have_count(0)


async def test_mentioning_an_assistant_that_is_not_there(meet: Meet, room: str) -> None:
    """It is offered to be added; Escape leaves the text as it was; Enter adds it, and it answers."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.composer.press_sequentially("@gui")
    options = ana.page.get_by_role("listbox", name="People and assistants").get_by_role("option")
    await expect(options).to_contain_text(["not in this room"])
    await ana.composer.press("Enter")
    await ana.composer.press_sequentially("who is here?")
    await ana.composer.press("Enter")
    offer = ana.page.get_by_role("group", name="Add Guide?")
    await expect(offer.get_by_role("button", name="Add and send")).to_be_focused()
    await ana.page.keyboard.press("Escape")
    await expect(offer).to_have_count(0)
    await expect(ana.composer).to_be_focused()
    await expect(ana.composer).to_have_value("@guide who is here?")
    await expect(ana.messages).to_have_count(0)

    await ana.composer.press("Enter")
    await expect(offer.get_by_role("button", name="Add and send")).to_be_focused()
    await ana.page.keyboard.press("Enter")
    await expect(ana.message("I show people around")).to_be_visible()
    await expect(ana.composer).to_have_value("")
    await expect(ana.composer).to_be_focused()
    await ana.say("@guide help")
    await expect(offer).to_have_count(0)


async def test_somebody_is_brought_into_a_private_room(meet: Meet, room: str) -> None:
    """Made from the list of rooms; who was not added can not enter it, and who was can."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.page.goto(ana.address)
    await ana.page.get_by_label("Your name").fill(ana.name)
    await ana.page.keyboard.press("Enter")
    await ana.page.get_by_role("button", name="Create or join a room").click()
    await ana.page.keyboard.type(room)
    await ana.page.get_by_role("option", name=f"Create the private room #{room}").click()
    await expect(ana.page).to_have_url(f"{ana.address}/r/{room}")

    await bo.page.goto(f"{bo.address}/r/{room}")
    await bo.page.get_by_label("Your name").fill(bo.name)
    await bo.page.keyboard.press("Enter")
    await expect(bo.page.get_by_text("a member has to add you")).to_be_visible()
    await ana.page.get_by_label("Name or id of somebody to add").fill(bo.name)
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.get_by_role("button", name="Members, 3")).to_be_visible()
    await bo.page.get_by_role("button", name="Try again").click()
    await bo.composer.wait_for()
