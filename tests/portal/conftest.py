"""One county with its services apart and one township whole, both real, with portals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.portal.halls import Halls, running
from tests.portal.visitor import Visitor

from hallnet.sandbox.network import NodeSpec

COUNTY, TOWNSHIP = "330127", "330127101"
Enter = Callable[..., Visitor]


@pytest.fixture(scope="session")
def halls() -> Iterator[Halls]:
    levels = [
        NodeSpec(COUNTY, "淳安县政务服务中心", has_children=True, split=True, portal=True),
        NodeSpec(TOWNSHIP, "文昌镇便民服务中心", portal=True),
    ]
    with running(COUNTY, levels) as halls:
        yield halls


@pytest.fixture(scope="session")
def cookies() -> dict[tuple[str, str], httpx.Cookies]:
    """The sessions of those who have signed in, by account and hall."""
    return {}


@pytest.fixture
def enter(halls: Halls, cookies: dict[tuple[str, str], httpx.Cookies]) -> Iterator[Enter]:
    """Somebody comes to a portal, signed in if an account is named, in a session of before or afresh."""
    visitors: list[Visitor] = []

    def comes(actor_id: str = "", address: str = TOWNSHIP, afresh: bool = False) -> Visitor:
        visitor = Visitor(halls.url(address))
        visitors.append(visitor)
        known = cookies.get((actor_id, address))
        if actor_id and (known is None or afresh):
            assert visitor.sign_in(actor_id).status == 200
            cookies[actor_id, address] = httpx.Cookies(visitor.client.cookies)
        elif known is not None:
            visitor.client.cookies.update(known)
        return visitor

    yield comes
    for visitor in visitors:
        visitor.close()
