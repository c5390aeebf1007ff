"""Properties of what travels on a room's channel, and of resuming after restarts."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from productflo.domain.passing import Passing
from productflo.domain.position import REPLAY_LIMIT, Position
from productflo.protocol.codes import GapReason
from productflo.store.events import Entered, Live, PieceSaid, Published, StopAsked, Typed, decode, encode

ENVELOPES = st.binary().map(lambda some: some.replace(b"\n", b""))
NAMES = st.text(st.characters(codec="utf-8"))
EVENTS = st.one_of(
    st.builds(
        Live,
        ENVELOPES,
        st.none() | NAMES,
        st.none() | st.lists(NAMES).map(tuple),
        st.none() | st.sampled_from(Passing),
    ),
    st.builds(Typed, NAMES, st.booleans(), ENVELOPES, ENVELOPES),
    st.builds(PieceSaid, NAMES, NAMES, st.integers(0, 2**53), ENVELOPES),
    st.builds(StopAsked, NAMES, NAMES),
    st.builds(Entered, NAMES, st.integers(0, 2**53), ENVELOPES),
)


@given(EVENTS)
def test_any_event_comes_back(event: Published) -> None:
    """Whatever the ids and the envelopes are made of; encoded JSON has no line break."""
    assert decode(encode(event)) == event


@dataclass(frozen=True, slots=True)
class Stored:
    """A store's state, which a restart may take back to an earlier one. Each event is a thing of its own."""

    generation: str
    events: tuple[int, ...] = ()
    predecessors: tuple[tuple[str, int], ...] = ()
    trimmed: int = 0

    def position(self) -> Position:
        """As the scripts tell it."""
        return Position(self.generation, len(self.events), self.predecessors, self.trimmed + 1)


@dataclass(slots=True)
class Naive:
    """A server whose store is restarted now and then, and all that clients have seen of it."""

    states: list[Stored] = field(default_factory=lambda: [Stored("g0")])
    seen: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    made: int = 0

    @property
    def now(self) -> Stored:
        """The present state."""
        return self.states[-1]

    def say(self, count: int) -> None:
        """Append events; a client sees each state."""
        for _ in range(count):
            self.made += 1
            now = self.now
            self.states.append(
                Stored(now.generation, (*now.events, self.made), now.predecessors, now.trimmed)
            )
            self.seen.append((now.generation, self.now.events))

    def restart(self, lost: int) -> None:
        """Go back by some states, and begin a generation."""
        old = self.states[max(0, len(self.states) - 1 - lost)]
        self.made += 1
        before = ((old.generation, len(old.events)), *old.predecessors)
        self.states.append(Stored(f"g{self.made}", old.events, before, old.trimmed))
        self.seen.append((self.now.generation, self.now.events))

    def trim(self, kept: int) -> None:
        """Forget the oldest events."""
        now = self.now
        trimmed = max(now.trimmed, len(now.events) - kept)
        self.states.append(Stored(now.generation, now.events, now.predecessors, trimmed))


STEPS = st.lists(
    st.tuples(st.just("say"), st.integers(1, 4))
    | st.tuples(st.just("restart"), st.integers(0, 6))
    | st.tuples(st.just("trim"), st.integers(0, 8)),
    max_size=25,
)


@given(STEPS)
def test_who_may_go_on_has_what_the_store_has(steps: list[tuple[str, int]]) -> None:
    """And who may not has lost something, or stands in a generation that the store has lost."""
    server = Naive()
    for step, number in steps:
        getattr(server, step)(number)
    now, position = server.now, server.now.position()
    known = {now.generation, *(generation for generation, _ in now.predecessors)}
    for generation, events in server.seen:
        same = events == now.events[: len(events)]
        match position.gap(len(events), generation):
            case GapReason.REWOUND:
                assert not same or generation not in known
            case GapReason.TRIMMED:
                assert same
                assert len(events) < now.trimmed
            case GapReason.TOO_MANY:
                assert len(now.events) - len(events) > REPLAY_LIMIT
            case None:
                assert same
                assert generation in known
                assert len(events) >= now.trimmed
