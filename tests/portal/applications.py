"""Applications as people fill them in."""

from __future__ import annotations

from typing import Any

from tests.portal.halls import APPLICATION, AUTHORISATION, SUBSISTENCE, picture
from tests.portal.visitor import Page, SeenForm, Visitor

NUMBER = "11010519491231002X"
PNG = ("scan.png", picture(), "image/png")
COMPLETE = {f"material:{APPLICATION}": PNG, f"material:{AUTHORISATION}": PNG}
INCOMPLETE = {f"material:{APPLICATION}": PNG}
WITH_MANDATE = {**INCOMPLETE, "material:mandate": PNG}
PERSON: dict[str, Any] = {
    "applicant__name": "陈秀英",
    "applicant__document_number": NUMBER,
    "applicant__phone": "13900000000",
}
ORGANISATION = "杭州某某建设有限公司"
"""Its name is nobody's secret: lists do not mask it."""


def blank(visitor: Visitor, item_id: str = SUBSISTENCE) -> SeenForm:
    return visitor.open(f"/file/{item_id}").form(f"/file/{item_id}")


def filed(visitor: Visitor, files: Any = COMPLETE, **changed: Any) -> Page:
    """The receipt of a fresh case."""
    page = visitor.send(blank(visitor), files, **(PERSON | changed))
    assert page.url.path.endswith("/receipt"), page.text
    return page


def case_id(page: Page) -> str:
    return page.url.path.split("/")[2]
