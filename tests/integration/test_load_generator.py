"""The load generator of the benchmarks counts what comes, and notices what does not."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.conversation import Conversation
from benchmarks.crowd import Dialect, Failed, Load, crowd
from benchmarks.halves import Halves
from benchmarks.machine import OTHER_CORE, SERVER_CORE, Unfit, prepare
from benchmarks.our_server import HISTORIC, OurServer
from benchmarks.outcome import started
from benchmarks.peer_servers import Floor, Reflector
from benchmarks.pieces import Pieces
from benchmarks.systems import Running, System

SHORT = Load(window=4, warm=0.1, seconds=0.3)


@pytest.fixture(scope="module", autouse=True)
def fit() -> None:
    """The benchmarks run on Linux with two cores and a C compiler; elsewhere there is nothing to test."""
    if sys.platform != "linux" or shutil.which("cc") is None:
        pytest.skip("benchmarks need Linux and cc")
    try:
        prepare()
    except Unfit as unfit:
        pytest.skip(str(unfit))


@pytest.fixture
def reflector(tmp_path: Path) -> Iterator[Running]:
    """The server that only copies."""
    with Reflector().running(tmp_path) as running:
        yield running


def test_everything_is_counted(reflector: Running) -> None:
    """Each message comes to each member of its room once, and the speaker's own is among them."""
    watched = reflector.processes
    with crowd(Reflector().dialect, reflector.port, watched, members=5, rooms=3) as clients:
        assert clients.joined.joined == 15
        loaded = clients.load(SHORT)
        fixed = clients.load(Load(rate=200.0, warm=0.1, seconds=0.5))
    assert loaded.said > 100
    assert loaded.delivered == pytest.approx(5 * loaded.own, rel=0.1)
    assert (loaded.missing, loaded.errors, loaded.gone) == (0, 0, 0)
    assert loaded.latency.count == loaded.delivered
    assert 0 < loaded.cpu["server"] < loaded.seconds
    assert (fixed.said, fixed.missing, fixed.skipped) == (pytest.approx(100, abs=10), 0, 0)


def test_so_many_and_no_more(reflector: Running) -> None:
    """A load ends when each speaker has said what it had to say."""
    dialect, watched = Reflector().dialect, reflector.processes
    with crowd(dialect, reflector.port, watched, members=2, rooms=2) as clients:
        loaded = clients.load(Load(window=3, most=7, warm=0, seconds=60))
    assert loaded.delivered == 2 * 2 * 7
    assert loaded.seconds < 30


def test_what_does_not_come_is_missing(reflector: Running) -> None:
    """Members who are in rooms of their own hear nothing of each other."""
    apart = replace(Reflector().dialect, path="/%i")
    with crowd(apart, reflector.port, reflector.processes, members=2) as clients:
        loaded = clients.load(Load(window=2, most=5, warm=0, seconds=60))
    assert loaded.missing == 5


def test_who_can_not_come_in_is_told(reflector: Running) -> None:
    """A server that refuses the handshake, or is not there, ends the measurement with its words."""
    with (
        pytest.raises(Failed, match="were not joined"),
        crowd(Reflector().dialect, 1, reflector.processes, members=1),
    ):
        pytest.fail("nobody listens there")


@pytest.mark.parametrize("system", [OurServer(), Floor()], ids=["server", "path"])
def test_a_whole_path_is_measured(system: System) -> None:
    """A short conversation with the real server, or its path alone, its store on the disk: all is heard."""
    outcome = Conversation("short", "a short one", 3, SHORT, rooms=4).measure(system)
    loaded = outcome.loaded
    assert loaded is not None
    assert loaded.own > 10
    assert (loaded.missing, loaded.errors, loaded.gone) == (0, 0, 0)
    assert loaded.cpu["store"] > 0


def test_errors_of_the_server_are_counted() -> None:
    """What the server refuses is no delivery."""
    mistaken = Dialect(HISTORIC.path, HISTORIC.steps, HISTORIC.say.replace('"limit":50', '"limit":0'))
    with (
        started(OurServer()) as running,
        crowd(mistaken, running.port, running.processes, members=1) as clients,
    ):
        loaded = clients.load(Load(window=2, most=2, warm=0, seconds=0.5))
    assert (loaded.delivered, loaded.errors) == (0, 2)


def test_pieces_are_heard_beside_chats_of_their_size() -> None:
    """A real answer in pieces, and chats padded to them, in a room whose process only delivers."""
    outcome = Pieces("short", "a short one", 3, 1, Load(warm=0.5, seconds=1.0)).measure(OurServer())
    pieces, chats = outcome.loaded, outcome.baseline
    assert pieces is not None
    assert chats is not None
    assert pieces.delivered >= 3 * 5
    assert chats.delivered == pytest.approx(pieces.delivered, rel=0.3)
    assert chats.bytes / chats.delivered == pytest.approx(pieces.bytes / pieces.delivered, rel=0.1)
    assert pieces.cpu["worker"] > 0
    assert chats.cpu["server"] > 0


def test_two_processes_share_the_core_that_one_shares_with_a_loop() -> None:
    """A short conversation with each: everything is heard, and none of them had the core alone."""
    outcome = Halves("short", "a short one", 4, 20, replace(SHORT, seconds=1.0)).measure(OurServer())
    two, one = outcome.loaded, outcome.baseline
    assert two is not None
    assert one is not None
    assert (two.missing, one.missing, two.errors, one.errors) == (0, 0, 0, 0)
    assert one.cpu["burner"] > one.cpu["server"] / 2
    assert min(two.cpu["server"], two.cpu["server2"]) > 0


def test_web_processes_are_where_they_should_be() -> None:
    """Both on the one core that is named, and the store on the other."""
    with started(replace(OurServer(), workers=2, cores=(SERVER_CORE,))) as running:
        cores = {name: os.sched_getaffinity(pid) for name, pid in running.processes.items()}
    assert cores == {"server": {SERVER_CORE}, "server2": {SERVER_CORE}, "store": {OTHER_CORE}}
