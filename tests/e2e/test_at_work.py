"""What a room sees of an assistant at work, as its worker tells it, and who waits for it."""

import re
from typing import Any

from overheard import Line, overhear
from playwright.async_api import Route, expect
from reader import Meet, Reader

TOOL = {"name": "find_part", "arguments": '{"material": "PC/ABS"}', "state": "running"}
APPROVAL = {
    "approval_id": "apr_1",
    "action": "Order 40 brackets",
    "arguments": '{"part": "B-112", "count": 40}',
    "expires_at": "2026-06-01T12:05:00.000Z",
}


async def entered(person: Reader, room: str) -> Line:
    """Come into a room over a line that the test can speak on."""
    line = await overhear(person, room)
    await person.enter(room)
    return line


async def test_what_it_does_and_uses(meet: Meet, room: str) -> None:
    """Before the first piece and after the last: in words, with each tool's arguments and result."""
    ana = await meet("Ana")
    line = await entered(ana, room)
    about = {"sender": "haitch", "message_id": "msg_a", "run_id": "msg_a.1"}
    line.notify(code="ASSISTANT_STATUS", message="searching the drawings", tools=[TOOL], **about)
    await expect(ana.growing).to_contain_text("searching the drawings")
    await expect(ana.page.get_by_role("status").filter(has_text="Haitch: searching")).to_be_attached()
    await ana.growing.get_by_text("Using find_part").click()
    await expect(ana.growing.get_by_role("list", name="Tools")).to_contain_text('"material": "PC/ABS"')

    done = TOOL | {"state": "done", "result": "3 parts"}
    line.notify(code="ASSISTANT_STATUS", message="", tools=[done], **about)
    await expect(ana.growing.get_by_text("Used 1 tool")).to_be_visible()
    await expect(ana.growing.get_by_role("list", name="Tools")).to_contain_text("3 parts")
    receipt = {"run_id": "msg_a.1", "state": "done", "model": "scripted", "tools": [done]}
    line.message(1, message="Three fit.", sender="haitch", message_id="msg_a", assistant=receipt)
    await expect(ana.growing).to_have_count(0)
    await ana.message("Three fit.").get_by_text("Used 1 tool · scripted").click()
    await expect(ana.message("Three fit.").get_by_role("list", name="Tools")).to_contain_text("3 parts")


async def test_what_it_read_and_cites(meet: Meet, room: str) -> None:
    """Both lead to the message; what was not read is told with the reason."""
    ana = await meet("Ana")
    line = await entered(ana, room)
    await ana.say("The lid is 2.2 mm")
    await expect(ana.unsent).to_have_count(0)
    skipped = {"file_id": "file_1", "name": "scan.pdf", "reason": "no text layer"}
    receipt = {
        "run_id": "msg_a.1",
        "state": "done",
        "context": {"from_seq": 1, "to_seq": 1, "files_read": [], "files_skipped": [skipped], "cut": False},
        "usage": {"prompt_tokens": 900, "completion_tokens": 304},
    }
    line.message(2, message="As said [#1].", sender="haitch", message_id="msg_a", assistant=receipt)
    answer = ana.message("As said")
    await answer.get_by_role("button", name="Message 1", exact=True).click()
    await expect(ana.message("The lid is 2.2 mm")).to_have_class(re.compile("is-marked"))
    await answer.get_by_text("Read message 1 · 1 file not read · 1,204 tokens").click()
    await expect(answer.get_by_text("scan.pdf: no text layer")).to_be_visible()


async def test_waiting_in_the_queue(meet: Meet, room: str) -> None:
    """One sees one's place, takes the question back, and is told no more once the list is without it."""
    ana = await meet("Ana")
    line = await entered(ana, room)
    await ana.page.get_by_role("button", name="Manage assistants").click()
    await ana.page.get_by_label("How Haitch listens").select_option("not at all")
    await expect(ana.page.get_by_role("dialog")).to_have_attribute("aria-busy", "false")
    await ana.page.keyboard.press("Escape")
    await ana.say("and the seal?")
    await expect(ana.unsent).to_have_count(0)
    asked = (await line.hears("chat"))["message_id"]
    waiting = {"message_id": asked, "sender": ana.user_id, "place": 2}
    line.notify(code="ASSISTANT_QUEUE", message="1 waits", sender="haitch", waiting=[waiting])
    question = ana.message("and the seal?")
    await expect(question).to_contain_text("2nd in the queue of Haitch")
    await question.get_by_role("button", name="Withdraw").click()
    assert await line.hears("stop") == {"message_id": asked}
    line.notify(code="ASSISTANT_QUEUE", message="Nobody waits", sender="haitch", waiting=[])
    await expect(question).not_to_contain_text("in the queue")


async def test_an_action_waits_for_a_person(meet: Meet, room: str) -> None:
    """It steals no focus; a refusal is told in the server's words; the focus is not lost with the buttons."""
    ana = await meet("Ana")
    decisions: list[str] = []

    async def decide(route: Route) -> None:
        decisions.append(route.request.post_data_json["decision"])
        error = {"code": "CONFLICT", "message": "It was decided by Bo."}
        await route.fulfill(status=204) if len(decisions) > 1 else await route.fulfill(
            status=409, json={"error": error}
        )

    await ana.page.route("**/approvals/apr_1", decide)
    line = await entered(ana, room)
    about: dict[str, Any] = {"sender": "haitch", "message_id": "msg_a", "message": "Haitch asks"}
    asked = APPROVAL | {"asker": ana.user_id}
    await ana.composer.fill("half a thought")
    line.notify(code="APPROVAL_ASKED", approval=asked, **about)
    card = ana.page.get_by_role("group", name="Haitch asks for approval: Order 40 brackets")
    await expect(card).to_contain_text('"count": 40')
    await expect(card.get_by_role("timer")).to_have_text(re.compile(r"^(5:00|4:5\d) left$"))
    await expect(ana.composer).to_be_focused()
    status = ana.page.get_by_role("status").filter(has_text="Haitch asks for approval: Order 40 brackets.")
    await expect(status).to_be_attached()

    await card.get_by_role("button", name="Deny").click()
    await expect(card.get_by_role("alert")).to_have_text("It was decided by Bo.")
    await card.get_by_role("button", name="Approve").click()
    await expect(card.get_by_role("alert")).to_have_count(0)
    assert decisions == ["deny", "approve"]
    decided = asked | {"decision": "approved", "decided_by": ana.user_id}
    line.notify(code="APPROVAL_DECIDED", approval=decided, **about)
    await expect(card).to_contain_text(f"Approved by {ana.name}.")
    await expect(card.get_by_role("button")).to_have_count(0)
    await expect(ana.composer).to_be_focused()
    line.message(
        1, message="Done.", sender="haitch", message_id="msg_a", assistant={"run_id": "r", "state": "done"}
    )
    await expect(card).to_have_count(0)
    ana.complaints = [text for text in ana.complaints if "409" not in text]


async def test_an_action_that_waited_before_one_came(meet: Meet, room: str) -> None:
    """Who opens the room later finds it; who may not decide is told who may."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    open_one = APPROVAL | {"asker": ana.user_id, "assistant": "haitch", "message_id": "msg_a"}
    headers = {"Date": "Mon, 01 Jun 2026 12:04:00 GMT"}
    await bo.page.route(
        f"**/api/rooms/{room}/approvals",
        lambda route: route.fulfill(json={"approvals": [open_one]}, headers=headers),
    )
    await bo.enter(room)
    await bo.page.reload()  # The list of rooms then tells who made it.
    card = bo.page.get_by_role("group", name="Haitch asks for approval")
    await expect(card).to_contain_text(f"{ana.name} can approve or deny it.")
    await expect(card.get_by_role("timer")).to_have_text(re.compile(r"^(1:00|0:5\d) left$"))
    await expect(card.get_by_role("button")).to_have_count(0)
