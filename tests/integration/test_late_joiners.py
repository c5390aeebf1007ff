"""Somebody who comes in the middle of an answer."""

from chatting import Server
from redis.asyncio import Redis

from productflo.protocol.activity import Piece, PieceData
from productflo.protocol.codec import encode
from productflo.protocol.codes import Kind
from productflo.service.clock import stamp, system_clock
from productflo.store.bus import Bus
from productflo.store.events import PieceSaid
from productflo.store.rooms import Member, Rooms
from productflo.store.runs import Asking, Lease, RunStore


async def test_a_pause_of_the_model_hides_nothing(server: Server, redis: Redis, room: str) -> None:
    """Pieces that were not heard, and are saved only later, are shown though no other piece follows."""
    rooms, runs = Rooms(redis), RunStore(redis)
    async with server.client("ana") as ana:
        await ana.join(room)
        await rooms.add_assistant(room, Member("echo", "Echo", Kind.ASSISTANT), "mentions")
        question = await ana.chat(room, "@echo hello")
        lease = await runs.acquire(room, "echo", "worker")
        assert isinstance(lease, Lease)
        begun = await runs.begin(lease, Asking("1", (question["data"]["seq"],), "ana"), "msg_answer")

        def piece(text: str, index: int) -> PieceSaid:
            data = PieceData(
                message=text, sender="echo", message_id="msg_answer", run_id=begun.run_id, index=index
            )
            now = stamp(system_clock)
            envelope = encode(Piece(user_id="echo", room_id=room, timestamp=now, data=data))
            return PieceSaid("msg_answer", begun.run_id, index, envelope)

        await ana.join(room, stream=True)
        bus = Bus(redis)
        await bus.publish(room, piece("three", 2))  # Its predecessors were never heard here.
        await ana.settled()
        await runs.save(lease, "one two three", 2)
        shown = await ana.until("chat_response", status="pending", index=0)
        assert shown["data"]["message"] == "one two three"
