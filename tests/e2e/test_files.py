"""Files: attached by picking, dropping and pasting, shown to everybody in the room."""

import struct
import zlib
from pathlib import Path

from playwright.async_api import expect
from reader import Meet

SIDE = 48
"""Pixels."""


def picture() -> bytes:
    """A small square of one colour, as PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = b"".join(b"\0" + b"\x0f\x6b\x66" * SIDE for _ in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


GIVE = """([kind, content]) => {
    const files = new DataTransfer()
    files.items.add(new File([content], 'notes.txt', { type: 'text/plain' }))
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: files, bubbles: true, cancelable: true })
        : new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true })
    document.querySelector('#composer').dispatchEvent(event)
}"""
"""What a browser does when a file is dropped on the page, or pasted into it."""


async def test_a_picture_and_its_preview(meet: Meet, room: str) -> None:
    """One picks a picture and sends it without a word; the other sees it, and looks at it in full."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    file = {"name": "lid.png", "mimeType": "image/png", "buffer": picture()}
    await ana.page.locator("input[type=file]").set_input_files([file])
    await expect(ana.page.get_by_role("list", name="Files to send")).to_contain_text("lid.png")
    await ana.page.get_by_role("button", name="Send").click()
    preview = bo.page.get_by_role("button", name="Show lid.png")
    await expect(preview.get_by_role("img")).to_be_visible()
    assert await preview.get_by_role("img").evaluate("image => image.naturalWidth") == SIDE
    await preview.click()
    await expect(bo.page.get_by_role("dialog", name="lid.png")).to_be_visible()
    await bo.page.keyboard.press("Escape")
    await expect(bo.page.get_by_role("dialog")).to_have_count(0)


async def test_files_are_dropped_pasted_and_taken_away(meet: Meet, tmp_path: Path, room: str) -> None:
    """Dropped and pasted files wait beside the text; one is removed, the other one arrives."""
    ana, bo = await meet("Ana"), await meet("Bo")
    await ana.enter(room)
    await bo.enter(room)
    tray = ana.page.get_by_role("list", name="Files to send")
    for kind in ("dragenter", "drop", "paste"):
        await ana.page.evaluate(GIVE, [kind, f"brought by {kind}"])
    await expect(tray.get_by_role("listitem")).to_have_count(2)
    await expect(tray.get_by_role("progressbar")).to_have_count(0)
    await tray.get_by_role("button", name="Remove notes.txt").first.click()
    await ana.say("the notes")
    await expect(tray).to_have_count(0)
    async with bo.page.expect_download() as started:
        await bo.message("the notes").get_by_role("button", name="notes.txt").click()
    await (await started.value).save_as(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "brought by paste"


async def test_a_file_that_is_too_large_is_told_at_once(meet: Meet, room: str) -> None:
    """Nothing is sent of a file beyond the limit, and the message can go without it."""
    ana = await meet("Ana")
    await ana.enter(room)
    sent: list[str] = []
    ana.page.on("request", lambda request: sent.append(request.url))
    await ana.page.evaluate(
        """() => {
            const file = new File([], 'huge.step')
            Object.defineProperty(file, 'size', { value: 5e9 })
            const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true })
            Object.defineProperty(event, 'clipboardData', { value: { files: [file] } })
            document.querySelector('#composer').dispatchEvent(event)
        }"""
    )
    await expect(ana.page.get_by_role("alert")).to_have_text("Too large: at most 100 MB.")
    assert not [url for url in sent if "/files" in url]
