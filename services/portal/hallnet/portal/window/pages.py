"""The pages of the window, in the order of the navigation. Most are for staff; each page says for whom."""

from __future__ import annotations

from starlette.responses import Response

from hallnet.portal.problems import PageNotForYou, PageUnknown
from hallnet.portal.site import Visit
from hallnet.portal.window import (
    board,
    booking,
    complaints,
    coverage,
    devices,
    enquiries,
    fees,
    grants,
    mandates,
    numbers,
    papers,
    personal,
    ratings,
    rota,
    scores,
    tickets,
)
from hallnet.portal.window.board import Page

PAGES = (
    tickets.PAGE,
    booking.PAGE,
    rota.PAGE,
    enquiries.PAGE,
    ratings.PAGE,
    complaints.PAGE,
    personal.PAGE,
    papers.PAGE,
    fees.PAGE,
    scores.PAGE,
    numbers.PAGE,
    mandates.PAGE,
    devices.PAGE,
    grants.PAGE,
    coverage.PAGE,
)
_BY_KEY: dict[str, Page] = {page.key: page for page in PAGES}


async def show(visit: Visit) -> Response:
    return await board.show(visit, _page(visit), PAGES)


async def do(visit: Visit) -> Response:
    return await board.do(visit, _page(visit), PAGES)


def _page(visit: Visit) -> Page:
    """Raises PageUnknown or PageNotForYou."""
    page = _BY_KEY.get(visit.path("page"))
    if page is None:
        raise PageUnknown()
    if not page.audience.admits(visit.account):
        raise PageNotForYou(audience=page.audience.value)
    return page
