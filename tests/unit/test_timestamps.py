"""Times on the wire: any ISO 8601 comes in, UTC with milliseconds goes out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from productflo.protocol.timestamps import format_time, normalise_time


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2023-05-01T12:34:56.789Z", "2023-05-01T12:34:56.789Z"),
        ("2023-05-01T12:34:56.789999Z", "2023-05-01T12:34:56.789Z"),
        ("2023-05-01T12:34:56", "2023-05-01T12:34:56.000Z"),
        ("2023-05-01T12:34:56+02:00", "2023-05-01T10:34:56.000Z"),
        ("2023-05-01T01:00:00+05:30", "2023-04-30T19:30:00.000Z"),
        ("2023-05-01 12:34", "2023-05-01T12:34:00.000Z"),
        ("2026-W48-6T10:00:00.000Z", "2026-11-28T10:00:00.000Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
    ],
)
def test_a_time_is_kept_as_utc(given: str, kept: str) -> None:
    """A time without a zone means UTC."""
    assert normalise_time(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "now",
        "12:34",
        "2023-13-01T00:00:00Z",
        "2023-02-29",
        "0001-01-01T00:00:00+14:00",
        None,
        5,
        1.5,
        True,
        [],
        {},
        b"2023-05-01",
        datetime(2023, 5, 1, tzinfo=UTC),
    ],
)
def test_what_is_no_time_is_refused(given: object) -> None:
    """Also a time that UTC can not express."""
    with pytest.raises(ValueError, match="ISO 8601"):
        normalise_time(given)


def test_our_own_times_look_the_same_from_everywhere() -> None:
    """Whatever zone the moment was told in."""
    moment = datetime(2026, 6, 1, 14, 0, 0, 123_456, timezone(timedelta(hours=2)))
    assert format_time(moment) == "2026-06-01T12:00:00.123Z"
