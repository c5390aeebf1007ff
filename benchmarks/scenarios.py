"""All that can be measured, by name."""

from dataclasses import replace

from benchmarks.answering import Answering
from benchmarks.arriving import Idle, Resume, Storm
from benchmarks.conversation import Conversation, fan_out, scale_connections, scale_members, scale_processes
from benchmarks.crowd import Load
from benchmarks.halves import Halves
from benchmarks.outcome import Scenario
from benchmarks.paging import Paging
from benchmarks.pieces import Pieces

ROOMS = Conversation(
    "rooms", "250 rooms of 4, one speaks in each, 4 messages in flight", 4, Load(window=4), 250
)
TWO = replace(ROOMS, name="rooms-two", about=f"{ROOMS.about}, web processes: 2", for_peers=False, processes=2)
RATE = Conversation("rate", "400 messages a second to 100 members", 100, Load(rate=400.0))
SCENARIOS: tuple[Scenario, ...] = (
    fan_out(100, 8),
    fan_out(100, 64),
    fan_out(500, 8),
    fan_out(500, 64),
    ROOMS,
    TWO,
    RATE,
    replace(RATE, name="rate-high", about="1,600 messages a second to 100 members", load=Load(rate=1600.0)),
    Conversation("echo", "100 people alone in a room each, 8 messages in flight", 1, Load(window=8), 100),
    Idle("idle", "5,000 idle connections in rooms of 10", 500, 10),
    Storm("storm", "2,000 people come to rooms of 10, 256 at once", 200, 10, 256),
    Resume(
        "resume", "1,000 people in rooms of 10 come back at once, each has missed 100 messages", 100, 10, 100
    ),
    Answering(
        "answers",
        "200 answers at once, 5 pieces a second each, beside 50 messages a second to 100 people",
        200,
        5.0,
        100,
        Load(rate=50.0, warm=3.0),
    ),
    Pieces(
        "pieces",
        "an answer in pieces to 500 people, beside chats of the same bytes at the same rate",
        500,
        1,
        Load(warm=2.0),
    ),
    Halves(
        "halves-rooms",
        "250 rooms of 4, 4 messages in flight in each: two web processes against one, half a core each",
        4,
        250,
        Load(window=4),
    ),
    Halves(
        "halves-fan-out",
        "8 rooms of 50, 64 messages in flight in each: two web processes against one, half a core each",
        50,
        8,
        Load(window=64),
    ),
    *map(scale_members, (10, 30, 100, 300, 1000)),
    *map(scale_connections, (10, 100, 500, 1000)),
    *map(scale_processes, (1, 2)),
    Paging("pages", "pages of 50 messages for 16 readers, 2 asked for by each", 16, 1000, Load(window=2)),
)
QUICK: tuple[Scenario, ...] = tuple(
    replace(one, load=replace(one.load, warm=0.5, seconds=2.0)) for one in (fan_out(100, 8), ROOMS, RATE)
)
"""What --quick measures, for a short time each."""
