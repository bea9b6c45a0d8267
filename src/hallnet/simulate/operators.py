"""What the operators of halls do: they publish releases."""

from __future__ import annotations

from hallnet.branch_sync import releasing
from hallnet.codec.codec import to_timestamp
from hallnet.exchange import signing
from hallnet.simulate.hall import Hall
from hallnet.trust.release import ReleaseKind
from hallnet.wire.release.v1 import release_pb2 as wire


async def publish(hall: Hall, kind: ReleaseKind, content: bytes) -> None:
    """A release of a hall, signed by its exchange and taken by its branch-sync."""
    now, here = hall.now(), str(hall.address)
    last = hall.sync.look(lambda c: releasing.last_version(c, kind, here))
    body = wire.ReleaseBody(
        kind=int(kind),  # type: ignore[arg-type]
        author=here,
        version=last + 1,
        issued_at=to_timestamp(now),
        effective_at=to_timestamp(now),
        content=content,
    )
    signed = await hall.exchange.write(lambda c: signing.signed_release(c, hall.context, body, now))
    await hall.sync.write(lambda c: releasing.publish(c, hall.sync_context, signed, now))
