"""Reading a room: history on scroll, what is unread, who has read, links to messages."""

from chatting import Server
from playwright.async_api import Locator, expect
from reader import Meet, Reader

MOST_ROWS = 300
"""What the page keeps of a room at a time."""
PAGE = 50
"""Messages that it asks for at a time."""

HOLDING = """
window.held = []
let holding = false
window.hold = () => { holding = true }
window.release = () => {
  holding = false
  for (const [socket, data] of held.splice(0)) socket.dispatchEvent(new MessageEvent('message', { data }))
}
window.WebSocket = class extends WebSocket {
  constructor(...words) {
    super(...words)
    this.addEventListener('message', event => {
      if (!holding) return
      held.push([this, event.data])
      event.stopImmediatePropagation()
    })
  }
}
"""
"""What comes over the page's socket is held from `hold()` to `release()`, in whose turn it then comes."""


async def fill(server: Server, room: str, first: int, last: int) -> list[str]:
    """Dee says `message <first>` to `message <last>`; their ids."""
    async with server.client("dee") as client:
        await client.join(room)
        for number in range(first, last + 1):
            await client.say("chat", room, message=f"message {number}", sender="dee")
        await client.until("chat_response", message=f"message {last}")
        return [each["data"]["message_id"] for each in client.heard if each["code"] == "chat_response"]


def row(person: Reader, number: int) -> Locator:
    return person.messages.filter(has=person.page.get_by_text(f"message {number}", exact=True))


async def scroll_to_top(person: Reader, beside: Locator) -> float:
    """Scroll to the top; answers where a row is then, before anything can have been loaded."""
    top: float = await beside.evaluate(
        "row => { row.closest('.scroller').scrollTop = 0; return row.getBoundingClientRect().top }"
    )
    return top


async def test_history_on_scroll(meet: Meet, product: Server, room: str) -> None:
    """Older pages come while one scrolls up, nothing jumps, the page stays small, one click leads back."""
    await fill(product, room, 1, 420)
    ana = await meet("Ana")
    await ana.enter(room)
    await expect(row(ana, 420)).to_be_in_viewport()

    oldest = 420 - PAGE + 1
    while oldest > 1:
        seen = row(ana, oldest)
        before = await scroll_to_top(ana, seen)
        oldest = max(1, oldest - PAGE)
        await expect(row(ana, oldest)).to_have_count(1)
        after: float = await seen.evaluate("row => row.getBoundingClientRect().top")
        assert abs(after - before) < 2
        assert await ana.messages.count() <= MOST_ROWS
    await expect(ana.page.get_by_text(f"This is where #{room} begins.")).to_be_attached()

    await expect(row(ana, 420)).to_have_count(0)
    await ana.page.get_by_role("button", name="Jump to latest").click()
    await expect(row(ana, 420)).to_be_in_viewport()


async def test_new_messages_do_not_move_one_who_reads_above(meet: Meet, product: Server, room: str) -> None:
    """Scrolled up, one stays there, is told how much came, and gets there with a click; then it is read."""
    await fill(product, room, 1, 40)
    ana = await meet("Ana")
    await ana.enter(room)
    await expect(row(ana, 40)).to_be_in_viewport()
    before = await scroll_to_top(ana, row(ana, 3))
    await expect(ana.page.get_by_role("button", name="Jump to latest")).to_be_visible()
    await fill(product, room, 41, 43)
    await expect(ana.page.get_by_role("button", name="3 new messages")).to_be_visible()
    await expect(ana.page).to_have_title(f"(3) {room} · ProductFlo chat")
    assert await row(ana, 3).evaluate("row => row.getBoundingClientRect().top") == before
    await ana.page.get_by_role("button", name="3 new messages").click()
    await expect(row(ana, 43)).to_be_in_viewport()
    await expect(ana.page).to_have_title(f"{room} · ProductFlo chat")


async def test_scrolling_up_as_a_message_comes(meet: Meet, product: Server, room: str) -> None:
    """One stays where one has just scrolled to, though the page has not heard of that before it draws.

    What comes first came while the end was in view, as far as the page knew, and counts as read.
    """
    await fill(product, room, 1, 40)
    ana = await meet("Ana")
    await ana.page.add_init_script(HOLDING)
    await ana.enter(room)
    await expect(row(ana, 40)).to_be_in_viewport()
    await ana.page.evaluate("hold()")
    await fill(product, room, 41, 43)
    await ana.page.wait_for_function("held.some(([, data]) => data.includes('message 43'))")
    top = await row(ana, 3).evaluate(
        "row => { row.closest('.scroller').scrollTop = 0; release(); return row.getBoundingClientRect().top }"
    )
    await expect(ana.page.get_by_role("button", name="new messages")).to_be_visible()
    await expect(row(ana, 43)).to_have_count(1)
    assert await row(ana, 3).evaluate("row => row.getBoundingClientRect().top") == top


async def test_unread_messages_of_another_room(meet: Meet, product: Server, room: str) -> None:
    """A count beside the room; inside, a line above the first new message; coming back, nothing is unread."""
    other = f"{room}-b"
    ana = await meet("Ana")
    await ana.enter(room)
    await fill(product, room, 1, 2)
    await expect(row(ana, 2)).to_have_count(1)
    await ana.enter(other)
    await fill(product, room, 3, 5)
    link = ana.page.get_by_role("link", name=room, exact=False).first
    await expect(link).to_contain_text("3 unread")
    await link.click()
    line = ana.page.locator(".new-line")
    await expect(line).to_have_count(1)
    await expect(line.locator("xpath=following-sibling::article[1]")).to_contain_text("message 3")
    await expect(link).not_to_contain_text("unread")
    await ana.page.reload()
    await expect(row(ana, 5)).to_have_count(1)
    await expect(link).not_to_contain_text("unread")


async def test_who_is_here_and_who_has_read(meet: Meet, room: str) -> None:
    """Presence and reading follow people: in the list of members with words, at the message with names."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await ana.say("seen?")
    await expect(ana.message("seen?").get_by_text(f"Seen by {bo.name}")).to_be_attached()
    members = ana.page.get_by_role("complementary", name="Members")
    entry = members.get_by_role("listitem").filter(has_text=f"@{bo.user_id}")
    await expect(entry).to_contain_text("Online")
    await bo.page.get_by_label("Your presence").select_option("busy")
    await expect(entry).to_contain_text("Busy")
    await bo.page.close()
    await expect(entry).to_contain_text("Offline", timeout=60_000)


async def test_a_link_to_an_old_message(meet: Meet, product: Server, room: str) -> None:
    """`?m=` opens the room at the message, however old, and marks it; one that is not there is told."""
    said = await fill(product, room, 1, 260)
    ana = await meet("Ana")
    await ana.enter(f"{room}?m={said[19]}")
    await expect(row(ana, 20)).to_be_in_viewport()
    await expect(row(ana, 20)).to_have_class("message is-marked")
    await ana.enter(f"{room}?m=msg_of_nobody")
    await expect(ana.page.get_by_text("That message is not here.")).to_be_visible()


async def test_replying_with_a_quote(meet: Meet, room: str) -> None:
    """Reply from the keyboard; the quote names the message and leads to it."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await ana.say("Is the lid **too** thick?")
    await bo.page.get_by_role("region", name=f"Messages in {room}").focus()
    await expect(bo.message("too thick")).to_have_count(1)
    await bo.page.keyboard.press("ArrowUp")
    await bo.page.keyboard.press("Tab")
    await bo.page.keyboard.press("Tab")
    await expect(bo.page.get_by_role("button", name=f"Reply to {ana.name}")).to_be_focused()
    await bo.page.keyboard.press("Enter")
    await expect(bo.composer).to_be_focused()
    await bo.page.keyboard.type("A little.")
    await bo.page.keyboard.press("Enter")
    quote = ana.message("A little.").get_by_role("button", name=f"{ana.name} Is the lid too thick?")
    await expect(quote).to_be_visible()
    await quote.click()
    await expect(ana.messages.first).to_have_class("message starts-run is-marked")


async def test_leaving_a_room(meet: Meet, room: str) -> None:
    """Who leaves has the room no more, and the others have one member less."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    await expect(ana.page.get_by_role("button", name="Members, 3")).to_be_visible()
    await bo.page.wait_for_load_state("networkidle")  # What is asked for when one leaves would be refused.
    await bo.page.get_by_role("button", name="Leave this room").click()
    await expect(bo.page).to_have_url(f"{bo.address}/")
    await expect(bo.page.get_by_role("link", name=room)).to_have_count(0)
    await expect(ana.page.get_by_role("button", name="Members, 2")).to_be_visible()


async def test_a_draft_stays_in_its_room(meet: Meet, room: str) -> None:
    """What was typed and not sent is there again after a visit elsewhere and after a reload."""
    ana = await meet("Ana")
    await ana.enter(room)
    await ana.composer.fill("half a thought")
    await ana.page.keyboard.press("Control+k")
    await ana.page.keyboard.type(f"{room} elsewhere")
    await ana.page.keyboard.press("Enter")
    await expect(ana.page).to_have_url(f"{ana.address}/r/{room}-elsewhere")
    await expect(ana.composer).to_have_value("")
    await ana.page.go_back()
    await expect(ana.composer).to_have_value("half a thought")
    await ana.page.reload()
    await expect(ana.composer).to_have_value("half a thought")
