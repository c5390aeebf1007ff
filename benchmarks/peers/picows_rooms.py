"""picows, as its documentation's server, with a write for each frame: `python picows_rooms.py PORT`."""

import json
import sys
from collections import defaultdict

import uvloop
from answer import answer
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

rooms: defaultdict[str, set[WSTransport]] = defaultdict(set)


class Member(WSListener):  # type: ignore[misc]  # Of a compiled module.
    """One connection, in the room of its address."""

    def __init__(self, room: str) -> None:
        super().__init__()
        self.members = rooms[room]

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Enter the room, and say so."""
        self.members.add(transport)
        transport.send(WSMsgType.TEXT, b'{"code":"joined"}')

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Leave the room."""
        self.members.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Tell the room."""
        if frame.msg_type == WSMsgType.TEXT:
            told = json.dumps(answer(json.loads(frame.get_payload_as_bytes()))).encode()
            for member in self.members:
                member.send(WSMsgType.TEXT, told)
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()


async def main() -> None:
    """Serve until stopped."""

    def member(request: WSUpgradeRequest) -> Member:
        return Member(request.path.decode())

    server = await ws_create_server(member, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    print("listening", flush=True)
    await server.serve_forever()


uvloop.run(main())
