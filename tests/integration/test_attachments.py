"""Files in a chat, through the whole web process: the append script gives a room the right to them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from chatting import Server

CONTENT = b"ISO-10303-21; a housing"


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server's HTTP side."""
    async with httpx.AsyncClient(base_url=server.http) as client:
        yield client


async def upload(http: httpx.AsyncClient, user: str) -> str:
    answer = await http.post("/files", files={"file": ("a.step", CONTENT)}, headers={"X-User-Id": user})
    assert answer.status_code == 201, answer.text
    file_id: str = answer.json()["id"]
    return file_id


async def test_a_chat_gives_its_room_the_file(server: Server, http: httpx.AsyncClient, room: str) -> None:
    """Before it only the uploader reads the file; after it every member of the room, and nobody else."""
    file_id = await upload(http, "ana")
    path = f"/files/{file_id}/download"
    async with server.client("ana") as ana, server.client("ben") as ben:
        await ana.join(room)
        await ben.join(room)
        assert (await http.get(path, headers={"X-User-Id": "ben"})).status_code == 403
        said = await ana.chat(room, "The housing", attached_files=[file_id, "file_of_another_service"])
        assert said["data"]["attached_files"] == [file_id, "file_of_another_service"]
        await ben.until("chat_response", message="The housing")
    read = await http.get(path, headers={"X-User-Id": "ben"})
    assert (read.status_code, read.content) == (200, CONTENT)
    assert (await http.get(path, headers={"X-User-Id": "eve"})).status_code == 403


async def test_a_stranger_s_file_is_not_attached(server: Server, http: httpx.AsyncClient, room: str) -> None:
    """Knowing an id gives no right: the chat is refused, and so it gives none to its room."""
    file_id = await upload(http, "ana")
    async with server.client("eve") as eve:
        await eve.join(room)
        await eve.say("chat", room, message="Mine now", sender="eve", attached_files=[file_id])
        refused = await eve.error()
        assert (refused["code"], refused["field"]) == ("PERMISSION_DENIED", "data.attached_files")
        await eve.say("chat", room, message="Guessed", sender="eve", attached_files=["file_" + "0" * 26])
        unknown = await eve.error()
        assert (unknown["code"], unknown["field"]) == ("NOT_FOUND", "data.attached_files")
    assert (await http.get(f"/files/{file_id}", headers={"X-User-Id": "eve"})).status_code == 403
