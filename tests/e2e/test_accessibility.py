"""What axe-core finds in the page, in light and dark, on a desk and on the narrowest phone: nothing."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from model_server import ModelServer
from overheard import Line, overhear
from playwright.async_api import Page, expect
from reader import DESK, PHONE, Meet, Reader

AXE = Path(__file__).parents[2] / "page/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

LOOKS = pytest.mark.parametrize(
    "look",
    [
        {"color_scheme": "light", "viewport": DESK},
        {"color_scheme": "dark", "viewport": DESK},
        {"color_scheme": "light", "viewport": PHONE, "has_touch": True},
        {"color_scheme": "dark", "viewport": PHONE, "has_touch": True},
    ],
    ids=["light", "dark", "light-320px", "dark-320px"],
)

EVERYTHING = """Look: `code`, a [link](https://example.org), *this*, and @haitch.

```python
thickness = {"lid": 2.0, "housing": 2.5}
```

| part | material | remark that makes the table wider than a phone |
|---|---|---|
| lid | PC/ABS | snap fits |

- [x] measured
- [ ] drawn"""


async def violations(page: Page) -> list[str]:
    """What axe finds: the rule, and where."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate(
        "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES
    )
    return [
        f"{each['id']}: {node['html']}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


async def widths(page: Page) -> tuple[int, int]:
    """Of the page's content and of the window: the first must not be more."""
    both: list[int] = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return both[0], both[1]


@LOOKS
async def test_in_front_of_the_door(meet: Meet, look: dict[str, Any]) -> None:
    """The page that asks for a name, and the one of somebody who is in no room."""
    ana = await meet("Ana", **look)
    await ana.page.goto(ana.address)
    await ana.page.get_by_label("Your name").fill("Ana")
    assert await violations(ana.page) == []
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.get_by_role("navigation", name="Rooms")).to_be_visible()
    assert await violations(ana.page) == []


@LOOKS
async def test_in_a_room(meet: Meet, model: ModelServer, room: str, look: dict[str, Any]) -> None:
    """An empty room, then one with everything in it: Markdown, an answer that grows, a reply, the menus."""
    ana, bo = await meet("Ana", **look), await meet("Bo")
    await ana.enter(room)
    await expect(ana.page.get_by_role("list", name="Suggestions")).to_be_visible()
    assert await violations(ana.page) == []

    await bo.enter(room)
    await bo.say(f"{EVERYTHING}\n\n{room}")
    exchange = await model.asked(room)
    await exchange.say("It depends on the **wall**")
    await bo.composer.press_sequentially("and")
    await expect(ana.growing).to_contain_text("It depends on the wall")
    await expect(ana.typing_line).to_have_text(f"{bo.name} is typing")
    await ana.message("snap fits").focus()
    await ana.page.get_by_role("button", name=f"Reply to {bo.name}").click()
    await ana.composer.press_sequentially("@")
    await expect(ana.page.get_by_role("listbox", name="People and assistants")).to_be_visible()
    assert await violations(ana.page) == []
    content, window = await widths(ana.page)
    assert content <= window

    await ana.page.keyboard.press("Escape")
    await exchange.finish()
    await expect(ana.growing).to_have_count(0)
    await open_members_and_rooms(ana)


async def open_members_and_rooms(person: Reader) -> None:
    """The list of members, then the switcher."""
    members = person.page.get_by_role("button", name="Members,")
    if await members.get_attribute("aria-expanded") == "false":
        await members.click()
    await expect(person.page.get_by_role("complementary", name="Members")).to_be_visible()
    assert await violations(person.page) == []
    await person.page.keyboard.press("Control+k")
    await expect(person.page.get_by_role("dialog")).to_be_visible()
    await person.page.keyboard.type("new room")
    assert await violations(person.page) == []


@LOOKS
async def test_with_assistants_at_work(meet: Meet, room: str, look: dict[str, Any]) -> None:
    """Everything that is shown of them, unfolded; their dialog; the offer to add one; the commands."""
    ana = await meet("Ana", **look)
    line = await overhear(ana, room)
    commands = [{"name": "summary", "description": "Sum up what was said"}]
    listening = {"id": "haitch", "name": "Haitch", "description": "", "listens": "all", "commands": commands}
    broken = {"id": "scribe", "name": "Scribe", "description": "Writes", "broken": "Its settings are wrong."}
    guide = {"id": "guide", "name": "Guide", "description": "Shows people around.", "on": ["mention"]}
    await ana.page.route(
        f"**/api/rooms/{room}/assistants", lambda route: route.fulfill(json={"assistants": [listening]})
    )
    await ana.page.route(
        "**/api/assistants", lambda route: route.fulfill(json={"assistants": [guide, broken]})
    )
    await ana.enter(room)
    async with httpx.AsyncClient(base_url=ana.address, headers={"X-User-Id": ana.user_id}) as http:
        await http.put(f"/api/rooms/{room}/assistants/haitch", json={"listens": "off"})
    await ana.say("What is thicker?")
    await expect(ana.unsent).to_have_count(0)
    asked = (await line.hears("chat"))["message_id"]
    at_work(line, ana, asked)
    await expect(ana.page.get_by_role("group", name="Haitch asks for approval")).to_be_visible()
    for summary in await ana.page.locator("details > summary").all():
        await summary.click()
    assert await violations(ana.page) == []
    content, window = await widths(ana.page)
    assert content <= window

    await ana.composer.press_sequentially("/")
    await expect(ana.page.get_by_role("listbox", name="Commands")).to_be_visible()
    assert await violations(ana.page) == []
    await ana.composer.fill("@guide, help")
    await ana.composer.press("Enter")
    await expect(ana.page.get_by_role("group", name="Add Guide?")).to_be_visible()
    assert await violations(ana.page) == []
    members = ana.page.get_by_role("button", name="Members,")
    if await members.get_attribute("aria-expanded") == "false":
        await members.click()
    await ana.page.get_by_role("button", name="Manage assistants").click()
    await expect(ana.page.get_by_text("Not available: Its settings are wrong.")).to_be_visible()
    assert await violations(ana.page) == []


def at_work(line: Line, person: Reader, asked: str) -> None:
    """A finished answer with all that it tells, one that is being written, one that waits for an approval."""
    tool = {"name": "find_part", "arguments": '{"material": "PC/ABS"}', "state": "done", "result": "3 parts"}
    failed = tool | {"state": "failed", "acting": True, "name": "order_part"}
    note = {"file_id": "file_1", "name": "a-rather-long-name-of-a-drawing-of-the-housing.pdf"}
    receipt = {
        "run_id": "msg_a.1",
        "state": "failed",
        "model": "scripted",
        "regenerates": asked,
        "reference": "0a1b2c3d",
        "context": {
            "from_seq": 1,
            "to_seq": 2,
            "files_read": [note],
            "files_skipped": [note | {"file_id": "file_2", "reason": "no text layer"}],
            "cut": True,
        },
        "tools": [tool, failed],
        "usage": {"prompt_tokens": 900, "completion_tokens": 304},
    }
    about: dict[str, Any] = {"sender": "haitch", "message_id": "msg_b", "message": "searching the drawings"}
    waiting = {"message_id": asked, "sender": person.user_id, "place": 2}
    approval = {
        "approval_id": "apr_1",
        "action": "Order 40 brackets",
        "arguments": '{"part": "B-112", "count": 40}',
        "asker": person.user_id,
        "expires_at": "2026-06-01T12:05:00.000Z",
    }
    line.message(2, message="As said [#1].", sender="haitch", message_id="msg_a", assistant=receipt)
    line.notify(code="ASSISTANT_STATUS", tools=[tool, failed | {"state": "running"}], **about)
    line.notify(code="ASSISTANT_QUEUE", message="1 waits", sender="haitch", waiting=[waiting])
    line.notify(code="APPROVAL_ASKED", approval=approval, **about)
