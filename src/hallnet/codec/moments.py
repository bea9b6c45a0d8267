"""Moments on the wire: google.protobuf.Timestamp, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = 1_000_000_000
MOMENTS_REMEMBERED_MAX = 1024
"""What is done in one transaction bears one moment, and a batch holds many things of one transaction."""


def to_timestamp(moment: datetime) -> Timestamp:
    """The moment on the wire; it must bear a time zone."""
    seconds, nanos = since_epoch(moment)
    return Timestamp(seconds=seconds, nanos=nanos)


@lru_cache(maxsize=MOMENTS_REMEMBERED_MAX)
def since_epoch(moment: datetime) -> tuple[int, int]:
    """Seconds and nanoseconds; raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds, since.microseconds * 1_000


def microseconds(moment: datetime) -> int:
    """Since the beginning of 1970; the moment must bear a time zone."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_timestamp(stamp: Timestamp) -> datetime:
    """The moment, cut to the microsecond; raises ValueError if it is none of the years 1 to 9999."""
    return moment(stamp.seconds, stamp.nanos)


@lru_cache(maxsize=MOMENTS_REMEMBERED_MAX)
def moment(seconds: int, nanos: int) -> datetime:
    if not 0 <= nanos < _NANOSECONDS:
        raise ValueError("nanoseconds of a moment")
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
    except OverflowError as error:
        raise ValueError("a moment out of range") from error
