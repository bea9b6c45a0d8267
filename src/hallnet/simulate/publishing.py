"""Releases of a hall: signed by its exchange, taken by its branch-sync, and withdrawn."""

from __future__ import annotations

from hallnet.branch_sync import releasing, withdrawing
from hallnet.codec.moments import to_timestamp
from hallnet.exchange.journal import signing
from hallnet.simulate.state import HallState
from hallnet.trust.release import ReleaseKind
from hallnet.wire.release.v1 import release_pb2 as wire


async def publish(hall: HallState, kind: ReleaseKind, content: bytes) -> int:
    """A release of a hall, signed by its exchange and taken by its branch-sync; returns its version."""
    body = wire.ReleaseBody(effective_at=to_timestamp(hall.now()), content=content)
    return await _release(hall, kind, body)


async def withdraw(hall: HallState, kind: ReleaseKind, version: int) -> None:
    """Put in force again what was so before the newest release of a hall."""
    now = hall.now()
    before = hall.sync.look(lambda c: withdrawing.restored(c, hall.address, kind, version, now))
    body = wire.ReleaseBody(
        effective_at=to_timestamp(before.effective_at),
        content=before.content,
        summary="有误",
        withdraws=version,
        restores=before.version,
    )
    await _release(hall, kind, body)


async def _release(hall: HallState, kind: ReleaseKind, body: wire.ReleaseBody) -> int:
    now, here = hall.now(), str(hall.address)
    last = hall.sync.look(lambda c: releasing.last_version(c, kind, here))
    body.MergeFrom(
        wire.ReleaseBody(
            kind=int(kind),  # type: ignore[arg-type]
            author=here,
            version=last + 1,
            issued_at=to_timestamp(now),
        )
    )
    signed = await hall.exchange.write(lambda c: signing.signed_release(c, hall.context, body, now))
    await hall.sync.write(lambda c: releasing.publish(c, hall.sync_context, signed, now))
    return last + 1
