"""The store's own way of writing a date, against Python's."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from productflo.protocol.timestamps import format_time
from productflo.store.scripts import Script, script_source

ISO = Script(script_source("_iso.lua") + "\nreturn iso(tonumber(ARGV[1]))")
YEAR_9999 = 253_402_300_799_999


async def test_a_date_is_written_as_python_writes_it(store_url: str) -> None:
    """Any millisecond from 1970 to 9999, leap days among them."""
    with Redis.from_url(store_url) as redis:

        @settings(max_examples=500, deadline=None)
        @given(
            st.integers(0, YEAR_9999)
            | st.sampled_from([951_782_400_000, 1_709_164_800_000, 4_107_542_399_999])
        )
        def compare(milliseconds: int) -> None:
            seconds, rest = divmod(milliseconds, 1000)
            moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
            written = redis.eval(ISO.source, 0, milliseconds)
            assert isinstance(written, bytes)
            assert written.decode() == format_time(moment)

        compare()
