"""The fixture `chat` comes with ProductFlo chat: a room without a server, and a scripted model."""

from assistants.testing import Chat

from parts_assistant import parts


async def test_it_looks_a_part_up(chat: Chat) -> None:
    """The model is given the count, and the room sees the call."""
    room = chat(parts, people=["ana", "bob"], settings={"stock": {"M3x8": 40}})
    room.model.calls_tool("in_stock", {"part": "M3x8"})
    room.model.says("There are 40 of M3x8.")
    answer = await room.say("ana", "@parts how many M3x8 do we have?")
    assert answer.text == "There are 40 of M3x8."
    assert [(call.name, call.result) for call in answer.tools] == [("in_stock", "40")]
    assert answer.statuses == ["looking into the warehouse"]


async def test_a_part_that_there_is_not(chat: Chat) -> None:
    """The model is told which there are."""
    room = chat(parts, settings={"stock": {"M3x8": 40}})
    room.model.calls_tool("in_stock", {"part": "M5"})
    room.model.says("There is no M5.")
    await room.say("ana", "how many M5?")
    assert "There is no part M5; there are M3x8." in room.model.requests[1].text


async def test_an_order_needs_a_person(chat: Chat) -> None:
    """Approved it is placed; denied it is not."""
    room = chat(parts, people=["ana", "bob"])
    for person, decide in (("ana", room.approves), ("bob", room.denies)):
        room.model.calls_tool("order", {"part": "M3x8", "count": 40})
        decide(person)
        room.model.says("Done.")
        await room.say(person, "@parts order 40 M3x8")
    assert "Order 1: 40 of M3x8." in room.model.requests[1].text
    assert "bob has denied it" in room.model.requests[3].text


async def test_what_is_attached_is_read(chat: Chat) -> None:
    """A bill of materials is in front of the model."""
    room = chat(parts)
    room.attach("bom.csv", "part,count\nM3x8,12\n")
    room.model.says("12 of M3x8.")
    answer = await room.say("ana", "how many do I need?")
    assert "bom.csv:\npart,count\nM3x8,12" in room.model.requests[0].text
    assert answer.context is not None
    assert [file.name for file in answer.context.files_read] == ["bom.csv"]


async def test_a_model_that_is_away(chat: Chat) -> None:
    """The room is told plainly, and nothing was ordered."""
    room = chat(parts)
    room.model.fails(401)
    answer = await room.say("ana", "how many M3x8?")
    assert answer.state == "failed"
    assert "refused the key" in answer.text
