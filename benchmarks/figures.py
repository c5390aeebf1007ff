"""The figures that tables have of a measurement."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.crowd import Latency, Loaded, Spent
from benchmarks.machine import OTHER_CORE, SERVER_CORE
from benchmarks.rounds import Measurement

Value = Callable[[Measurement], float]
SERVERS = ("server", "server2")
"""Names of a server's processes."""


@dataclass(frozen=True, slots=True)
class Column:
    """A figure, in the form in which its median is written. `best` is how systems are compared by it."""

    head: str
    value: Value
    form: str
    best: Callable[[float, float], float] | None = None


def more(ours: float, theirs: float) -> float:
    """How many times as much: where much is good."""
    return ours / theirs


def less(ours: float, theirs: float) -> float:
    """How many times as little: where little is good."""
    return theirs / ours


def _loaded(one: Measurement) -> Loaded:
    if one.loaded is None:
        raise ValueError(f"{one.scenario} has no load")
    return one.loaded


def _joined(one: Measurement) -> Spent:
    if one.joined is None:
        raise ValueError(f"{one.scenario} has nobody who joined")
    return one.joined


def per_second(name: str) -> Value:
    """So many of what was counted, a second."""
    return lambda one: float(getattr(_loaded(one), name)) / _loaded(one).seconds


def share(*names: str) -> Value:
    """Per cent of a core that processes took."""
    return lambda one: _loaded(one).share(*names) * 100


def cost(name: str, *processes: str) -> Value:
    """Microseconds of CPU of processes for each of what was counted."""

    def value(one: Measurement) -> float:
        count = float(getattr(_loaded(one), name))
        return _loaded(one).share(*processes) * _loaded(one).seconds / count * 1e6 if count else 0.0

    return value


def others(one: Measurement) -> float:
    """Per cent of the server's core that neither the server nor idleness took: the noise."""
    return others_than("server")(one)


def others_than(*names: str) -> Value:
    """The same where the processes with these names belong there."""

    def value(one: Measurement) -> float:
        core, seconds = _loaded(one).cores[SERVER_CORE], _loaded(one).seconds
        return max(0.0, ((core.busy + core.steal) / seconds - _loaded(one).share(*names)) * 100)

    return value


def latency(quantile: str) -> Value:
    """Milliseconds from saying to hearing."""
    return lambda one: float(getattr(_loaded(one).latency, quantile))


def _latency_of(load: str, quantile: str) -> Value:
    def value(one: Measurement) -> float:
        found: Latency = getattr(one, load).latency
        return float(getattr(found, quantile))

    return value


def _baseline(value: Value) -> Value:
    """The same figure of what the load is compared with."""
    return lambda one: value(one.model_copy(update={"loaded": one.baseline}))


def _times(value: Value) -> Value:
    """How many times the baseline's figure is the load's."""

    def times(one: Measurement) -> float:
        baseline = _baseline(value)(one)
        return value(one) / baseline if baseline else 0.0

    return times


def _by_cpu_time(one: Measurement) -> float:
    """How many times as much two processes would carry, by what a message costs in one and in both."""
    times = _times(cost("own", *SERVERS))(one)
    return 2 / times if times else 0.0


def _each(name: str) -> Value:
    """Bytes that came for each of what was counted."""

    def value(one: Measurement) -> float:
        count = float(getattr(_loaded(one), name))
        return _loaded(one).bytes / count if count else 0.0

    return value


def _busy(core: int) -> Value:
    """Per cent of a core, whoever used it."""
    return lambda one: _loaded(one).cores[core].busy / _loaded(one).seconds * 100


def _kilobytes(process: str) -> Value:
    return lambda one: (one.memory or {}).get(process, 0.0) / 1000


def _arrivals(name: str) -> Value:
    return lambda one: float(getattr(_joined(one), name)) / _joined(one).seconds


def _coming(which: str, quantile: str) -> Value:
    return lambda one: float(getattr(getattr(_joined(one), which), quantile))


def _cost_of_coming(name: str, process: str) -> Value:
    def value(one: Measurement) -> float:
        spent = _joined(one)
        return spent.cpu.get(process, 0.0) / float(getattr(spent, name)) * 1e6

    return value


CONVERSATION = (
    Column("deliveries/s", per_second("delivered"), ",.0f", more),
    Column("messages/s", per_second("own"), ",.0f"),
    Column("p50 ms", latency("p50"), ".2f"),
    Column("p99 ms", latency("p99"), ".2f"),
    Column("server %", share(*SERVERS), ".0f"),
    Column("store %", share("store"), ".0f"),
    Column("generator %", share("generator"), ".0f"),
    Column("others %", others, ".0f"),
    Column("µs/delivery", cost("delivered", *SERVERS), ".2f"),
    Column("µs/message", cost("own", *SERVERS), ".1f"),
    Column("store µs/message", cost("own", "store"), ".1f"),
)
FIXED = (
    Column("p99 ms", latency("p99"), ".2f", less),
    Column("p50 ms", latency("p50"), ".2f"),
    Column("server %", share(*SERVERS), ".0f", less),
    *CONVERSATION[5:8],
    Column("µs/delivery", cost("delivered", *SERVERS), ".2f", less),
    *CONVERSATION[9:],
    *CONVERSATION[:1],
)
"""At a fixed rate the deliveries a second say nothing, unless they are too few."""
FIXED_NAMES = ("rate", "scale-")
"""Names of scenarios at fixed rates begin with these."""
IDLE = (
    Column("KB a connection", _kilobytes("server"), ".1f", less),
    Column("of the store, KB", _kilobytes("store"), ".2f"),
    Column("joined/s", _arrivals("joined"), ",.0f"),
)
ARRIVING = (
    Column("joined/s", _arrivals("joined"), ",.0f", more),
    Column("upgrade p99 ms", _coming("upgrade", "p99"), ".0f"),
    Column("joined p99 ms", _coming("join", "p99"), ".0f"),
    Column("server µs each", _cost_of_coming("joined", "server"), ",.0f"),
    Column("store µs each", _cost_of_coming("joined", "store"), ",.0f"),
)
RESUMING = (
    Column("events/s", _arrivals("heard"), ",.0f", more),
    *ARRIVING[:1],
    Column("all there after p99 ms", _coming("join", "p99"), ",.0f"),
    Column("server µs/event", _cost_of_coming("heard", "server"), ".2f"),
    Column("store µs/event", _cost_of_coming("heard", "store"), ".2f"),
)
ANSWERS = (
    Column("p99 ms", latency("p99"), ".2f", less),
    Column("p99 ms without", _latency_of("undisturbed", "p99"), ".2f"),
    Column("p50 ms", latency("p50"), ".2f"),
    Column("p50 ms without", _latency_of("undisturbed", "p50"), ".2f"),
    Column("first pieces p99 ms", _latency_of("answers", "p99"), ".1f"),
    Column("server %", share("server"), ".0f"),
    Column("store %", share("store"), ".0f"),
    Column("worker %", share("worker"), ".0f"),
)

_DELIVERY = cost("delivered", "server")
_STORED = cost("delivered", "store")
PIECES = (
    Column("piece / chat", _times(_DELIVERY), ".2f", less),
    Column("µs/piece delivered", _DELIVERY, ".2f"),
    Column("µs/chat delivered", _baseline(_DELIVERY), ".2f"),
    Column("bytes of a piece", _each("delivered"), ".0f"),
    Column("of a chat", _baseline(_each("delivered")), ".0f"),
    Column("pieces delivered/s", per_second("delivered"), ",.0f"),
    Column("chats delivered/s", _baseline(per_second("delivered")), ",.0f"),
    Column("store, piece / chat", _times(_STORED), ".2f"),
    Column("p50 ms of a piece", latency("p50"), ".1f"),
    Column("of a chat", _baseline(latency("p50")), ".1f"),
    Column("others % at pieces", others, ".0f"),
    Column("at chats", _baseline(others), ".0f"),
)
HALVES = (
    Column("two / one", _times(per_second("own")), ".2f", more),
    Column("by CPU time", _by_cpu_time, ".2f"),
    Column("messages/s of two", per_second("own"), ",.0f"),
    Column("of one", _baseline(per_second("own")), ",.0f"),
    Column("server % of two", share("server"), ".0f"),
    Column("and", share("server2"), ".0f"),
    Column("of one", _baseline(share("server")), ".0f"),
    Column("of the loop", _baseline(share("burner")), ".0f"),
    Column("others % at two", others_than(*SERVERS), ".0f"),
    Column("at one", _baseline(others_than("server", "burner")), ".0f"),
    Column("µs/message of two", cost("own", *SERVERS), ".1f"),
    Column("of one", _baseline(cost("own", *SERVERS)), ".1f"),
    Column("other core % at two", _busy(OTHER_CORE), ".0f"),
    Column("store % at two", share("store"), ".0f"),
    Column("generator % at two", share("generator"), ".0f"),
)


def columns_of(one: Measurement) -> tuple[Column, ...]:
    """The columns of a table of such measurements: what it is compared by stands first."""
    if one.memory:
        return IDLE
    if one.answers:
        return ANSWERS
    if one.baseline:
        return HALVES if "server2" in _loaded(one).cpu else PIECES
    if one.loaded:
        return FIXED if one.scenario.startswith(FIXED_NAMES) else CONVERSATION
    return RESUMING if one.joined and one.joined.heard else ARRIVING
