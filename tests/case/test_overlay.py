"""A hall narrows an item of a hall above it, and never widens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import FORM, PHOTO, item, working_days

from hallnet.case.catalogue import newest_in_force, require_catalogue, version_in_force
from hallnet.case.item import (
    Catalogue,
    Fee,
    IntakePlace,
    ItemOverlay,
    ItemVersion,
    LocalAmount,
    ServicePlace,
    ShelfStatus,
    TimeLimit,
    TimeUnit,
)
from hallnet.case.item_problems import (
    ItemVersionChanged,
    OverlayBaseUnknown,
    OverlayMalformed,
    OverlayWidens,
)
from hallnet.case.item_terms import HandlingForm
from hallnet.case.limits import is_longer
from hallnet.case.overlay import expanded, merged, require_narrower, require_unchanged
from hallnet.case.problems import CatalogueMalformed

TODAY = date(2026, 3, 2)
ONE_DAY = timedelta(days=1)
LOCAL_FEE = Fee("建设费", 0, True, "省里的文件", "元/平方米", "", "", permit="目录清单")
BASE = item(version=2, fees=(LOCAL_FEE,), max_visits=2)
COUNTER = ServicePlace("县政务服务中心", "人民路1号", "工作日9:00-17:00", "0571-1", "", ("12",))


def overlay(**changes: Any) -> ItemOverlay:
    return replace(ItemOverlay("an-item", 2, 1), **changes)


def test_a_county_promises_less_time_asks_for_less_and_fills_in_its_places() -> None:
    county = merged(
        BASE,
        overlay(
            promised_limit=working_days(3),
            dropped_materials=(PHOTO,),
            visits_saved=1,
            places=(COUNTER,),
            enquiry_way="12345",
            also_accepts_at=(IntakePlace.VILLAGE_POINT, IntakePlace.TOWNSHIP),
            also_handled_by=(HandlingForm.MOBILE,),
            local_amounts=(LocalAmount("建设费", 150_000, "县里的文件", ""),),
        ),
    )
    assert (county.version, county.base_version) == (2001, 2)
    assert county.promised_limit == working_days(3)
    assert county.statutory_limit == BASE.statutory_limit
    assert county.material(PHOTO) is None
    assert county.material(FORM) is not None
    assert county.max_visits == 1
    assert (county.places, county.enquiry_way) == ((COUNTER,), "12345")
    assert county.accepts_at == (*BASE.accepts_at, IntakePlace.VILLAGE_POINT)
    assert county.handling_forms == (HandlingForm.MOBILE,)
    [fee] = county.fees
    assert (fee.amount_fen, fee.amount_set_locally) == (150_000, False)
    assert (fee.basis, fee.permit) == ("县里的文件", "目录清单")


WIDENING: dict[str, dict[str, Any]] = {
    "a longer promise": {"promised_limit": working_days(6)},
    "a longer promise in another unit": {"promised_limit": TimeLimit(41, TimeUnit.HOUR)},
    "a material that the item does not ask for": {"dropped_materials": ("户口簿",)},
    "more visits than there are": {"visits_saved": 3},
    "an amount of a fee that is not charged": {
        "local_amounts": (LocalAmount("加急费", 1, "", ""),)
    },
}


@pytest.mark.parametrize("how", WIDENING)
def test_what_goes_beyond_the_item_is_refused(how: str) -> None:
    with pytest.raises(OverlayWidens):
        merged(BASE, overlay(**WIDENING[how]))


def test_an_amount_that_was_laid_down_above_stays() -> None:
    laid_down = replace(BASE, fees=(replace(LOCAL_FEE, amount_set_locally=False, amount_fen=5),))
    with pytest.raises(OverlayWidens):
        merged(laid_down, overlay(local_amounts=(LocalAmount("建设费", 4, "", ""),)))


def test_who_promises_where_nothing_was_promised_stays_within_the_law() -> None:
    unpromised = replace(BASE, promised_limit=None)
    assert merged(unpromised, overlay(promised_limit=working_days(20))).promised_limit
    with pytest.raises(OverlayWidens):
        merged(unpromised, overlay(promised_limit=working_days(21)))


@pytest.mark.parametrize(
    "changes", [{"revision": 0}, {"revision": 1000}, {"base_version": 1}, {"base_version": 3}]
)
def test_an_overlay_has_a_number_and_a_base(changes: dict[str, Any]) -> None:
    with pytest.raises(OverlayMalformed):
        merged(BASE, overlay(**changes))


def test_an_overlay_is_not_laid_upon_an_overlay() -> None:
    county = merged(BASE, overlay())
    with pytest.raises(OverlayWidens):
        merged(county, overlay(base_version=county.version))


DAYS = st.none() | st.dates(TODAY, TODAY + 400 * ONE_DAY)
LIMITS = st.builds(TimeLimit, st.integers(0, 400), st.sampled_from(TimeUnit), st.just(""))


@given(
    promised=st.none() | LIMITS,
    dropped=st.sets(st.sampled_from([wanted.name for wanted in BASE.materials] + ["别的"])),
    saved=st.integers(0, 3),
    more=st.lists(st.sampled_from(IntakePlace)),
    effective_from=DAYS,
    effective_until=DAYS,
)
def test_whatever_an_overlay_says_it_is_refused_or_nobody_is_worse_off(
    promised: TimeLimit | None,
    dropped: set[str],
    saved: int,
    more: list[IntakePlace],
    effective_from: date | None,
    effective_until: date | None,
) -> None:
    base = replace(BASE, effective_from=TODAY, effective_until=TODAY + 300 * ONE_DAY)
    try:
        county = merged(
            base,
            overlay(
                promised_limit=promised,
                dropped_materials=tuple(sorted(dropped)),
                visits_saved=saved,
                also_accepts_at=tuple(more),
                effective_from=effective_from,
                effective_until=effective_until,
            ),
        )
    except OverlayWidens:
        return
    assert county.promised_limit is not None
    assert base.promised_limit is not None
    assert not is_longer(county.promised_limit, base.promised_limit)
    assert set(county.materials) <= set(base.materials)
    assert county.max_visits <= base.max_visits
    assert set(county.accepts_at) >= set(base.accepts_at)
    assert county.effective_from is not None
    assert county.effective_from >= TODAY
    assert county.effective_until is not None
    assert county.effective_until <= TODAY + 300 * ONE_DAY
    untouched = ("statutory_limit", "clock_start", "legal_basis", "authority", "level", "scope")
    assert all(getattr(county, name) == getattr(base, name) for name in untouched)
    require_narrower([county], [base])


# In a catalogue


def test_overlays_become_items_when_a_catalogue_is_published() -> None:
    county = expanded(Catalogue((item(item_id="own"),), "test", None, (overlay(),)), [BASE])
    assert [(one.item_id, one.version) for one in county.items] == [("own", 1), ("an-item", 2001)]
    assert county.overlays == ()
    require_catalogue(county)


def test_a_catalogue_with_overlays_left_is_no_catalogue() -> None:
    with pytest.raises(CatalogueMalformed):
        require_catalogue(Catalogue((), "test", None, (overlay(),)))


def test_an_overlay_on_what_nobody_above_published_is_refused() -> None:
    with pytest.raises(OverlayBaseUnknown):
        expanded(Catalogue((), "test", None, (overlay(item_id="unknown"),)), [BASE])


@pytest.mark.parametrize(
    "changes",
    [
        {"statutory_limit": working_days(30)},
        {"authority": "别的局"},
        {"agent_allowed": False},
        {"materials": (*BASE.materials, replace(BASE.materials[0], name="更多材料"))},
        {"promised_limit": working_days(9)},
        {"fees": (replace(LOCAL_FEE, name="加急费"),)},
        {"max_visits": 3},
        {"base_version": 1},
    ],
)
def test_who_claims_to_narrow_an_item_and_changes_it_is_refused(changes: dict[str, Any]) -> None:
    county = replace(merged(BASE, overlay()), **changes)
    with pytest.raises((OverlayWidens, OverlayBaseUnknown)):
        require_narrower([county], [BASE])


def test_a_published_version_stays_what_it_is() -> None:
    require_unchanged([BASE], [BASE])
    require_unchanged([replace(BASE, version=3, name="新名称")], [BASE])
    require_unchanged([replace(BASE, status=ShelfStatus.OFF_SHELF, shelf_basis="通知")], [BASE])
    require_unchanged([replace(BASE, effective_until=TODAY)], [BASE])
    with pytest.raises(ItemVersionChanged):
        require_unchanged([replace(BASE, name="新名称")], [BASE])


# In force


def test_the_county_handles_an_item_its_own_way_until_the_item_has_a_new_version() -> None:
    county = merged(BASE, overlay(effective_from=TODAY + ONE_DAY))
    newer = replace(BASE, version=3, effective_from=TODAY + 2 * ONE_DAY)
    versions = [newer, county, BASE, item(version=1)]
    in_force = [version_in_force(versions, TODAY + days * ONE_DAY) for days in range(3)]
    assert in_force == [BASE, county, newer]


def test_of_two_overlays_on_a_version_the_later_one_holds() -> None:
    first, second = merged(BASE, overlay()), merged(BASE, overlay(revision=2))
    assert version_in_force([second, first, BASE], TODAY) == second


def test_what_the_hall_above_withdraws_is_withdrawn_in_the_county_too() -> None:
    county = merged(BASE, overlay())
    assert version_in_force([county, BASE], TODAY) == county
    withdrawn = replace(BASE, status=ShelfStatus.OFF_SHELF)
    assert version_in_force([county, withdrawn], TODAY) is None
    assert version_in_force([county], TODAY) is None


def test_a_list_shows_each_item_once_in_its_newest_version() -> None:
    """An item that runs in parallel with its successor is still one item."""
    other = item(item_id="other")
    county = merged(BASE, overlay())
    items: list[ItemVersion] = [item(version=1), other, BASE, county]
    assert newest_in_force(items, TODAY) == [county, other]
