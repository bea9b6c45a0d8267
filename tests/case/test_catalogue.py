"""The catalogue: 45 real items, their file, what is in force, where it is taken in, who decides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import FORM, ITEM, item, needed
from tests.places.strategies import rows

from hallnet.case.catalogue import accepts_here, competent_hall, version_in_force
from hallnet.case.catalogue_file import read_catalogue, supplied_catalogue
from hallnet.case.item import (
    CATALOGUE,
    Catalogue,
    CrossAreaMode,
    HandlingKind,
    IntakePlace,
    ItemOption,
    ItemVersion,
    MaterialSource,
    Requirement,
    Scope,
    ShelfStatus,
)
from hallnet.case.item import (
    ITEM as ITEM_CODEC,
)
from hallnet.case.problems import CatalogueMalformed, OutOfScope
from hallnet.places import Address, Level, divisions
from hallnet.places.problems import AddressMalformed, DivisionUnknown

SUPPLIED = supplied_catalogue()
REGISTER = divisions()
each_item = pytest.mark.parametrize("supplied", SUPPLIED.items, ids=lambda found: found.item_id)


# The items that come with hallnet --------------------------------------------------------------


def test_45_items_are_supplied() -> None:
    assert len(SUPPLIED.items) == 45
    assert len({found.item_id for found in SUPPLIED.items}) == 45
    assert len({found.name for found in SUPPLIED.items}) == 45
    assert SUPPLIED.source


@each_item
def test_a_supplied_item_is_fit_for_use(supplied: ItemVersion) -> None:
    assert supplied.name
    assert supplied.authority
    assert supplied.accepts_at
    assert supplied.legal_basis
    assert supplied.in_force_on(date(2026, 3, 2))
    assert supplied.provenance is not None
    assert supplied.provenance.sureness
    names = [wanted.name for wanted in supplied.materials]
    assert len(names) == len(set(names)), "a material is known by its name"
    options = [option.name for option in supplied.options]
    assert len(options) == len(set(options))
    assert all(fee.basis for fee in supplied.fees), "no fee without a law (article 58)"


@each_item
def test_a_supplied_item_promises_at_most_half_of_what_the_law_allows(
    supplied: ItemVersion,
) -> None:
    """承诺时限 at most 50 % of 法定时限, unless the record says why not."""
    promised, statutory = supplied.promised_limit, supplied.statutory_limit
    if promised and statutory and not supplied.half_rule_exemption:
        assert promised.unit is statutory.unit
        assert promised.days * 2 <= statutory.days


@each_item
def test_a_supplied_item_that_is_instant_promises_no_days(supplied: ItemVersion) -> None:
    if supplied.handling_kind is HandlingKind.INSTANT and supplied.promised_limit:
        assert supplied.promised_limit.days == 0


@each_item
def test_a_supplied_item_survives_the_wire(supplied: ItemVersion) -> None:
    assert ITEM_CODEC.from_bytes(ITEM_CODEC.to_bytes(supplied)) == supplied


# The file --------------------------------------------------------------------------------------


def as_document(catalogue: Catalogue) -> object:
    message = CATALOGUE.to_message(catalogue)
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def test_the_catalogue_is_read_as_it_is_written_as_yaml_and_as_json() -> None:
    document = as_document(SUPPLIED)
    assert read_catalogue(yaml.safe_dump(document, allow_unicode=True)) == SUPPLIED
    message = CATALOGUE.to_message(SUPPLIED)
    assert read_catalogue(json_format.MessageToJson(message)) == SUPPLIED


MALFORMED = {
    "empty": "",
    "a word": "catalogue",
    "a list": "- a\n- b\n",
    "a number": "17",
    "no yaml": "items: [",
    "a tab": "items:\n\t- x",
    "another type of yaml": "items: !!python/object:os.system {}",
    "deeply nested": "[" * 5000,
    "an unknown field": "items:\n- item_name: x\n",
    "items that are no list": "items: x",
    "an enum that is none": "items:\n- status: SHELF_STATUS_LOST\n",
    "an item without a status": "items:\n- item_id: x\n  version: 1\n",
    "a date that is no text": "items:\n- effective_from: 2026-01-01\n",
    "a negative number": "items:\n- version: -1\n",
    "a number that is no whole one": "items:\n- version: 1.5\n",
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_file_that_is_no_catalogue_is_refused_and_says_why(how: str) -> None:
    with pytest.raises(CatalogueMalformed) as malformed:
        read_catalogue(MALFORMED[how])
    assert malformed.value.particulars["detail"]


def test_a_refusal_names_the_field_that_is_wrong() -> None:
    with pytest.raises(CatalogueMalformed) as malformed:
        read_catalogue(MALFORMED["an item without a status"])
    assert "items[0].status" in malformed.value.particulars["detail"]


# In force --------------------------------------------------------------------------------------

TODAY = date(2026, 3, 2)
ONE_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("found", "in_force"),
    [
        (item(), True),
        (item(status=ShelfStatus.OFF_SHELF), False),
        (item(effective_from=TODAY), True),
        (item(effective_from=TODAY + ONE_DAY), False),
        (item(effective_until=TODAY), False),
        (item(effective_until=TODAY + ONE_DAY), True),
        (item(effective_from=TODAY, effective_until=TODAY), False),
    ],
)
def test_whether_an_item_can_be_applied_for_today(found: ItemVersion, in_force: bool) -> None:
    assert found.in_force_on(TODAY) is in_force


def test_the_newest_version_that_is_in_force_is_the_one_that_is_applied_for() -> None:
    old = item(version=1)
    current = item(version=2, effective_from=TODAY)
    coming = item(version=3, effective_from=TODAY + ONE_DAY)
    withdrawn = item(version=4, status=ShelfStatus.OFF_SHELF)
    versions = [coming, old, withdrawn, current]
    assert version_in_force(versions, TODAY) == current
    assert version_in_force(versions, TODAY - ONE_DAY) == old
    assert version_in_force(versions, TODAY + ONE_DAY) == coming
    assert version_in_force([withdrawn], TODAY) is None
    assert version_in_force([], TODAY) is None


def test_what_an_applicant_is_asked_for() -> None:
    """政务数据共享条例 article 19: what halls can share is not asked of the applicant."""
    assert needed(FORM).asked_of_applicant
    assert needed(FORM, source=MaterialSource.GOVERNMENT).asked_of_applicant
    assert not needed(FORM, source=MaterialSource.SHARED).asked_of_applicant
    assert not needed(FORM, requirement=Requirement.TOLERATED).asked_of_applicant
    assert not needed(FORM, requirement=Requirement.OPTIONAL).asked_of_applicant
    assert ITEM.material(FORM) == needed(FORM)
    assert ITEM.material("别的") is None
    assert ItemOption("首次", None, "").statutory is None


# Where it is taken in --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "hall"),
    [
        (IntakePlace.TOWNSHIP, "330110012"),
        (IntakePlace.COUNTY, "330110"),
        (IntakePlace.CITY, "3301"),
        (IntakePlace.PROVINCE, "33"),
    ],
)
def test_a_hall_takes_in_what_is_accepted_at_its_level(place: IntakePlace, hall: str) -> None:
    address = Address.parse(hall)
    only_here = item(accepts_at=(place,))
    everywhere_else = item(accepts_at=tuple(set(IntakePlace) - {place}))
    assert accepts_here(only_here, address, "", at_village=False)
    assert not accepts_here(everywhere_else, address, "", at_village=False)


def test_a_village_point_takes_in_what_is_accepted_at_village_points() -> None:
    township = Address("330110012")
    at_village = item(accepts_at=(IntakePlace.VILLAGE_POINT,))
    at_township = item(accepts_at=(IntakePlace.TOWNSHIP,))
    assert accepts_here(at_village, township, "", at_village=True)
    assert not accepts_here(at_village, township, "", at_village=False)
    assert not accepts_here(at_township, township, "", at_village=True)


def test_a_branch_hall_takes_in_the_items_of_its_field_and_no_others() -> None:
    shebao = Address("330110", "shebao")
    of_the_field = item(branch_hall_field="社保", accepts_at=(IntakePlace.COUNTY,))
    assert accepts_here(of_the_field, shebao, "社保", at_village=False)
    assert not accepts_here(of_the_field, shebao, "房产", at_village=False)
    assert not accepts_here(of_the_field, shebao, "", at_village=False)
    without = item(branch_hall_field="", accepts_at=(IntakePlace.BRANCH_HALL, IntakePlace.COUNTY))
    assert not accepts_here(without, shebao, "社保", at_village=False)
    assert not accepts_here(without, shebao, "", at_village=False)


# Who decides -----------------------------------------------------------------------------------


def competent(found: ItemVersion, here: str, for_division: str = "", branch_field: str = "") -> str:
    hall = competent_hall(found, Address.parse(here), branch_field, for_division, REGISTER)
    return str(hall)


@pytest.mark.parametrize(
    ("level", "here", "hall"),
    [
        (Level.TOWNSHIP, "330110012", "330110012"),
        (Level.COUNTY, "330110012", "330110"),
        (Level.COUNTY, "330110", "330110"),
        (Level.COUNTY, "330110-shebao", "330110"),
        (Level.CITY, "330110012", "3301"),
        (Level.PROVINCE, "330110012", "33"),
        (Level.PROVINCE, "330110-shebao", "33"),
        # The place stands above the level: its own hall decides.
        (Level.TOWNSHIP, "330110", "330110"),
        (Level.COUNTY, "3301", "3301"),
        # The level is left out: the next hall above stands in for it, never the one below.
        (Level.COUNTY, "441900003", "4419"),
        (Level.COUNTY, "460400100", "4604"),
        (Level.CITY, "110101001", "11"),
        (Level.CITY, "110101", "11"),
        (Level.CITY, "429004001", "42"),
        (Level.COUNTY, "429004001", "429004"),
    ],
)
def test_the_hall_of_the_items_level_over_the_place_decides(
    level: Level, here: str, hall: str
) -> None:
    assert competent(item(level=level), here) == hall


@given(st.sampled_from([row[0] for row in rows("streets")]), st.sampled_from(Level))
def test_the_hall_that_decides_stands_over_the_place_and_never_below_the_level(
    township: str, level: Level
) -> None:
    found = Address.parse(competent(item(level=level), township))
    assert REGISTER.is_under(Address(township), found)
    assert found.level <= level
    exact = REGISTER.ancestor(Address(township), level)
    assert exact is None or exact == found


@pytest.mark.parametrize(
    ("scope", "for_division", "reaches"),
    [
        (Scope.TOWNSHIP, "330110012", True),
        (Scope.TOWNSHIP, "330110005", False),
        (Scope.COUNTY, "330110005", True),
        (Scope.COUNTY, "330127100", False),
        (Scope.CITY, "330127100", True),
        (Scope.CITY, "330424001", False),
        (Scope.PROVINCE, "330424001", True),
        (Scope.PROVINCE, "110101001", False),
        (Scope.NATION, "110101001", True),
    ],
)
def test_an_item_reaches_as_far_as_its_scope(
    scope: Scope, for_division: str, reaches: bool
) -> None:
    found = item(level=Level.TOWNSHIP, scope=scope)
    if reaches:
        assert competent(found, "330110012", for_division) == for_division
    else:
        with pytest.raises(OutOfScope) as refused:
            competent(found, "330110012", for_division)
        assert refused.value.particulars == {"item": "某事项", "place": for_division}


@pytest.mark.parametrize(
    ("scope", "here", "for_division"),
    [
        # 东莞 and 中山 have no counties; that does not make them one county.
        (Scope.COUNTY, "441900003", "442000001"),
        # 北京 and 上海 have no cities; that does not make them one city.
        (Scope.CITY, "110101001", "310101002"),
        # Two cities are not of one county because neither is in any.
        (Scope.COUNTY, "3301", "3304"),
        # Two counties directly under a province are not of one city.
        (Scope.TOWNSHIP, "330110", "330127"),
    ],
)
def test_two_places_without_a_level_are_not_of_one_scope(
    scope: Scope, here: str, for_division: str
) -> None:
    with pytest.raises(OutOfScope):
        competent(item(level=Level.TOWNSHIP, scope=scope), here, for_division)


@pytest.mark.parametrize(
    ("scope", "here", "for_division"),
    [
        (Scope.COUNTY, "441900003", "441900004"),
        (Scope.CITY, "110101001", "110102001"),
        (Scope.CITY, "429004001", "429005001"),
    ],
)
def test_where_a_level_is_left_out_the_next_one_above_is_the_scope(
    scope: Scope, here: str, for_division: str
) -> None:
    assert REGISTER.exists(for_division)
    found = competent(item(level=Level.TOWNSHIP, scope=scope), here, for_division)
    assert found == for_division


def test_the_own_hall_is_within_every_scope() -> None:
    for scope in Scope:
        assert competent(item(scope=scope), "330110012") == "330110"
        assert competent(item(scope=scope), "330110012", "330110012") == "330110"


def test_to_a_branch_hall_its_centre_is_the_own_hall() -> None:
    for scope in Scope:
        of_the_centre = item(scope=scope, branch_hall_field="房产")
        assert competent(of_the_centre, "330110-shebao", branch_field="社保") == "330110"
    anywhere = item(branch_hall_field="房产", cross_area_mode=CrossAreaMode.ANY_OFFICE)
    assert competent(anywhere, "330110-shebao", "110101", branch_field="社保") == "330110"


def test_what_any_office_handles_is_handled_where_it_is_filed() -> None:
    """Since 2025-05-10 any registration office in the country marries in its own right."""
    anywhere = item(scope=Scope.NATION, cross_area_mode=CrossAreaMode.ANY_OFFICE)
    assert competent(anywhere, "330110", "110101") == "330110"
    assert competent(anywhere, "330110012", "110101001") == "330110"
    assert competent(anywhere, "441900003", "110101001") == "4419"


def test_a_branch_hall_decides_the_items_of_its_field_for_its_county() -> None:
    found = item(branch_hall_field="社保", scope=Scope.CITY)
    assert competent(found, "330110-shebao", branch_field="社保") == "330110-shebao"
    assert competent(found, "330110-shebao", "330110", branch_field="社保") == "330110-shebao"
    assert competent(found, "330110-shebao", "330127", branch_field="社保") == "330127"
    assert competent(found, "330110-fangchan", branch_field="房产") == "330110"
    of_the_city = item(branch_hall_field="社保", level=Level.CITY)
    assert competent(of_the_city, "330110-shebao", branch_field="社保") == "3301"


@pytest.mark.parametrize("for_division", ["330110999", "330199", "99"])
def test_a_division_that_is_not_registered_is_told(for_division: str) -> None:
    with pytest.raises(DivisionUnknown):
        competent(item(scope=Scope.NATION), "330110012", for_division)


def test_a_division_that_is_none_is_told_by_its_field() -> None:
    with pytest.raises(AddressMalformed) as malformed:
        competent(item(), "330110012", "杭州")
    assert malformed.value.where == "for_division"


@each_item
@given(township=st.sampled_from([row[0] for row in rows("streets")]))
def test_every_supplied_item_has_a_hall_that_decides_everywhere(
    supplied: ItemVersion, township: str
) -> None:
    found = Address.parse(competent(supplied, township))
    assert REGISTER.is_under(Address(township), found)
