"""A catalogue before it is signed: overlays are merged, and what may not be published is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.branch_sync.parts import Halls
from tests.case.builders import ITEM, working_days
from tests.simulation.worlds import COUNTY, OTHER_COUNTY, PROVINCE

from hallnet.branch_sync import catalogues
from hallnet.case.item import (
    CATALOGUE,
    Catalogue,
    FlowLink,
    ItemOverlay,
    ItemVersion,
    ShelfStatus,
)
from hallnet.case.item_problems import (
    CatalogueNotPublishable,
    ItemVersionChanged,
    OverlayBaseUnknown,
    OverlayWidens,
)
from hallnet.places import Address
from hallnet.trust.release import ReleaseKind

BASE = replace(ITEM, links=(FlowLink("审查", "窗口", None), FlowLink("审核", "首席代表", None)))
NARROWER = ItemOverlay(BASE.item_id, 1, 1, promised_limit=working_days(2))


def prepared(halls: Halls, at: str, *items: ItemVersion, overlays: object = ()) -> Catalogue:
    content = CATALOGUE.to_bytes(Catalogue(items, "test", None, overlays))  # type: ignore[arg-type]
    sync = halls.at(at)
    made = sync.database.look(lambda c: catalogues.prepared(c, Address.parse(at), content))
    return CATALOGUE.from_bytes(made)


def publish(halls: Halls, at: str, *items: ItemVersion) -> None:
    halls.publish(at, ReleaseKind.CATALOGUE, CATALOGUE.to_bytes(prepared(halls, at, *items)))
    halls.settle()


def test_a_county_publishes_what_narrows_the_provinces_item(halls: Halls) -> None:
    publish(halls, PROVINCE, BASE)
    [item] = prepared(halls, COUNTY, overlays=(NARROWER,)).items
    assert (item.version, item.base_version) == (1001, 1)
    assert item.promised_limit == working_days(2)


def test_a_county_does_not_widen_the_provinces_item(halls: Halls) -> None:
    publish(halls, PROVINCE, BASE)
    with pytest.raises(OverlayWidens):
        prepared(halls, COUNTY, overlays=(replace(NARROWER, promised_limit=working_days(6)),))
    [item] = prepared(halls, COUNTY, overlays=(NARROWER,)).items
    with pytest.raises(OverlayWidens):
        prepared(halls, COUNTY, replace(item, statutory_limit=working_days(40)))


def test_an_item_of_another_county_is_no_base(halls: Halls) -> None:
    publish(halls, OTHER_COUNTY, BASE)
    with pytest.raises(OverlayBaseUnknown):
        prepared(halls, COUNTY, overlays=(NARROWER,))


def test_what_breaks_the_rules_of_publication_is_not_published(halls: Halls) -> None:
    with pytest.raises(CatalogueNotPublishable):
        prepared(halls, PROVINCE, replace(BASE, promised_limit=working_days(11)))


def test_a_published_version_cannot_be_published_with_other_content(halls: Halls) -> None:
    publish(halls, PROVINCE, BASE)
    assert prepared(halls, PROVINCE, BASE).items == (BASE,)
    assert prepared(halls, PROVINCE, replace(BASE, version=2, authority="新的局"))
    with pytest.raises(ItemVersionChanged):
        prepared(halls, PROVINCE, replace(BASE, authority="新的局"))
    with pytest.raises(ItemVersionChanged):
        prepared(halls, COUNTY, replace(BASE, authority="新的局"))


def test_a_published_version_can_be_taken_off_the_shelf_with_a_legal_reason(halls: Halls) -> None:
    publish(halls, PROVINCE, BASE)
    gone = replace(BASE, status=ShelfStatus.OFF_SHELF)
    with pytest.raises(CatalogueNotPublishable):
        prepared(halls, PROVINCE, gone)
    assert prepared(halls, PROVINCE, replace(gone, shelf_basis="某条例第二条已废止"))
