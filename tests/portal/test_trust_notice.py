"""Staff see on every page that the trust data are old; the public does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.portal.conftest import TOWNSHIP

from hallnet.codec.moments import to_timestamp
from hallnet.node.settings import HallSettings
from hallnet.places import Address, divisions
from hallnet.portal.halls import Halls
from hallnet.portal.pages import templates
from hallnet.portal.session import SignedIn
from hallnet.portal.trust_notice import notice
from hallnet.trust.freshness import Freshness
from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def status(freshness: Freshness) -> wire.GetStatusResponse:
    return wire.GetStatusResponse(
        trust_freshness=int(freshness),  # type: ignore[arg-type]
        trust_soft_expires_at=to_timestamp(NOW),
        trust_hard_expires_at=to_timestamp(NOW),
    )


def page(text: str) -> str:
    halls = Halls(Address.parse(TOWNSHIP), "文昌镇便民服务中心", divisions())
    account = SignedIn("clerk", "李窗口", False, frozenset(), (), "mark")
    return (
        templates(halls)
        .get_template("problem.html")
        .render(
            hall=HallSettings(TOWNSHIP, "文昌镇便民服务中心"),
            here=TOWNSHIP,
            account=account,
            token="",
            now=NOW,
            path="/cases",
            trust_notice=text,
            text="x",
            uncertain=False,
        )
    )


def test_fresh_trust_data_are_not_spoken_of() -> None:
    assert notice(status(Freshness.FRESH)) == ""
    assert page("").count("banner") == 1


@pytest.mark.parametrize("freshness", [Freshness.STALE, Freshness.EXPIRED])
def test_old_trust_data_are_told_with_the_day_and_what_to_do(freshness: Freshness) -> None:
    text = notice(status(freshness))
    for word in ("信任数据", "2026-11-23 09:00", "暂停作出决定和交付结果", "与上级大厅的连接"):
        assert word in text
    assert text in page(text)


def test_an_expired_hall_says_what_goes_on() -> None:
    assert "照常收件" in notice(status(Freshness.EXPIRED))
    assert "照常收件" not in notice(status(Freshness.STALE))
