"""What staff see on every page while the trust data of the hall are old: why no results are issued."""

from __future__ import annotations

import asyncio

from hallnet.codec.moments import from_timestamp
from hallnet.node.desk import Desk
from hallnet.portal import wording
from hallnet.portal.site import glimpse
from hallnet.trust.freshness import Freshness
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

LOOK_EVERY_SECONDS = 60.0


def notice(status: wire.GetStatusResponse) -> str:
    """The sentence for a status of the node; empty while the trust data are fresh."""
    freshness = Freshness(status.trust_freshness)
    if freshness is Freshness.EXPIRED:
        since = wording.moment(from_timestamp(status.trust_hard_expires_at))
        return (
            f"信任数据已于{since}失效：可以照常收件、补正和受理，暂停作出决定和交付结果。"
            "请联系运维人员恢复与上级大厅的连接。"
        )
    if freshness is Freshness.STALE:
        until = wording.moment(from_timestamp(status.trust_hard_expires_at))
        return (
            f"本厅的信任数据较久未更新，{until}起将暂停作出决定和交付结果。"
            "请联系运维人员检查与上级大厅的连接。"
        )
    return ""


class TrustNotice:
    """The sentence as it was a minute ago at most; pages show it without asking for it."""

    def __init__(self) -> None:
        self.text = ""

    async def watch(self, desk: Desk) -> None:
        """Look from time to time, until cancelled."""
        while True:
            status, _ = await glimpse(desk.exchange.GetStatus(wire.GetStatusRequest()))
            if status is not None:
                self.text = notice(status)
            await asyncio.sleep(LOOK_EVERY_SECONDS)
