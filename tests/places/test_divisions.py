"""The register of divisions: real codes, real names, and parents that are not cut from digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.strategies import registered, rows

from hallnet.places import Address, Level, Village, divisions
from hallnet.places.problems import DivisionUnknown

REGISTER = divisions()


@pytest.mark.parametrize(
    ("level", "count"),
    [
        (Level.PROVINCE, 1),
        (Level.CITY, 11),
        (Level.COUNTY, 90),
        (Level.TOWNSHIP, 1387),
        (Level.VILLAGE, 25547),
    ],
)
def test_zhejiang_has_the_divisions_of_the_statistics(level: Level, count: int) -> None:
    assert REGISTER.count(level, "33") == count


@pytest.mark.parametrize(
    ("level", "count"),
    [
        (Level.PROVINCE, 31),
        (Level.CITY, 342),
        (Level.COUNTY, 2978),
        (Level.TOWNSHIP, 41352),
    ],
)
def test_the_country_has_the_divisions_of_the_statistics(level: Level, count: int) -> None:
    assert REGISTER.count(level) == count


@pytest.mark.parametrize(
    ("code", "townships", "villages"),
    [("330127", 23, 361), ("330424", 9, 122), ("330110", 12, 223)],
)
def test_a_county_has_the_townships_and_villages_of_the_statistics(
    code: str, townships: int, villages: int
) -> None:
    assert REGISTER.count(Level.TOWNSHIP, code) == townships
    assert REGISTER.count(Level.VILLAGE, code) == villages


@pytest.mark.parametrize(
    ("address", "parent"),
    [
        ("33", None),
        ("3301", "33"),
        ("330110", "3301"),
        ("330110012", "330110"),
        # Districts and counties of a municipality stand directly under it.
        ("110101", "11"),
        ("500229", "50"),
        ("310101", "31"),
        ("110101001", "110101"),
        # Cities without counties: the township's hall stands under the city's.
        ("441900003", "4419"),
        ("442000001", "4420"),
        ("460400100", "4604"),
        ("620201100", "6202"),
        # Counties directly under a province or an autonomous region.
        ("429004", "42"),
        ("429004001", "429004"),
        ("419001", "41"),
        ("659001", "65"),
        ("469001", "46"),
        # A branch hall stands under the hall of its own division, of whatever level.
        ("330110-shebao", "330110"),
        ("3301-fangchan", "3301"),
        ("33-dangan", "33"),
        ("330110012-xinfang", "330110012"),
    ],
)
def test_a_parent_is_found_in_the_register(address: str, parent: str | None) -> None:
    found = REGISTER.parent(Address.parse(address))
    assert (None if found is None else str(found)) == parent


@pytest.mark.parametrize("city", ["4419", "4420", "4604", "6202"])
def test_a_city_without_counties_is_not_its_own_county(city: str) -> None:
    """东莞, 中山, 儋州 and 嘉峪关 stand in the register a second time, as a county of that name."""
    townships = [row[0] for row in rows("streets") if row[0].startswith(city)]
    assert townships
    assert {REGISTER.parent(Address(code)) for code in townships} == {Address(city)}


def test_every_division_has_a_way_up_to_its_province() -> None:
    for code in registered():
        path = list(REGISTER.path(Address(code)))
        assert path[0].division == code
        assert path[-1].division == code[:2]
        levels = [step.level for step in path]
        assert levels == sorted(set(levels), reverse=True)
        assert all(code.startswith(step.division) for step in path)


def test_no_hall_stands_under_a_placeholder() -> None:
    placeholders = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}
    above = {REGISTER.parent(Address(code)) for code in registered() if len(code) > 2}
    assert not {hall for hall in above if hall and REGISTER.name(hall.division) in placeholders}


def test_every_parent_may_certify_its_children() -> None:
    """The prefix rule bounds authority; the register never asks for more than it allows."""
    for code in registered():
        address = Address(code)
        parent = REGISTER.parent(address)
        assert parent is None or parent.may_certify(address)
        assert address.may_certify(Address(code, "branch"))


@pytest.mark.parametrize(
    ("code", "name", "full"),
    [
        ("33", "浙江省", "浙江省"),
        ("3301", "杭州市", "杭州市"),
        ("330127", "淳安县", "杭州市淳安县"),
        ("330127100", "千岛湖镇", "杭州市淳安县千岛湖镇"),
        ("110101001", "东华门街道", "东城区东华门街道"),
        ("441900003", "东城街道", "东莞市东城街道"),
        ("429004001", "沙嘴街道", "仙桃市沙嘴街道"),
    ],
)
def test_a_full_name_tells_the_names_from_the_city_down(code: str, name: str, full: str) -> None:
    assert REGISTER.name(code) == name
    assert REGISTER.full_name(code) == full


def test_a_village_is_named_with_its_township() -> None:
    code, name = next(
        (row[0], row[1]) for row in rows("villages-33") if row[0].startswith("330127100")
    )
    assert REGISTER.village_name(Village(code)) == name
    assert REGISTER.full_name(code) == f"杭州市淳安县千岛湖镇{name}"


def test_the_villages_of_a_township_come_in_the_order_of_their_codes() -> None:
    found = REGISTER.villages_of(Address("330127100"))
    assert found == {
        row[0]: row[1] for row in rows("villages-33") if row[0].startswith("330127100")
    }
    assert list(found) == sorted(found)
    assert REGISTER.villages_of(Address("110101001")) == {}


@pytest.mark.parametrize(
    "code", ["99", "3399", "330199", "330110999", "330110012999", "110101001001", "", "330"]
)
def test_a_division_that_is_not_registered_is_unknown(code: str) -> None:
    assert not REGISTER.exists(code)
    with pytest.raises(DivisionUnknown) as unknown:
        REGISTER.name(code)
    assert unknown.value.particulars == {"code": code}


@pytest.mark.parametrize("address", ["99", "330199", "330110999", "330110999-shebao"])
def test_a_hall_that_is_not_registered_has_no_parent_and_stands_under_nobody(address: str) -> None:
    unknown = Address.parse(address)
    with pytest.raises(DivisionUnknown):
        REGISTER.parent(unknown)
    assert not REGISTER.is_under(unknown, Address("33"))
    assert not REGISTER.is_under(unknown, unknown)


@pytest.mark.parametrize(
    ("address", "above", "is_under"),
    [
        ("330110012", "330110012", True),
        ("330110012", "330110", True),
        ("330110012", "3301", True),
        ("330110012", "33", True),
        ("330110012", "330127", False),
        ("330110", "330110012", False),
        ("330110-shebao", "330110", True),
        ("330110-shebao", "33", True),
        ("330110-shebao", "330110-shebao", True),
        ("330110-shebao", "330110-fangchan", False),
        ("330110012", "330110-shebao", False),
        ("330110", "330110-shebao", False),
        # A placeholder is a line of the register, not a hall: nobody stands under it.
        ("110101", "1101", False),
        ("441900003", "441900", False),
    ],
)
def test_who_stands_under_whom(address: str, above: str, is_under: bool) -> None:
    assert REGISTER.is_under(Address.parse(address), Address.parse(above)) == is_under


@pytest.mark.parametrize(
    ("address", "level", "ancestor"),
    [
        ("330110012", Level.COUNTY, "330110"),
        ("330110012", Level.TOWNSHIP, "330110012"),
        ("330110-shebao", Level.COUNTY, "330110"),
        ("330110", Level.TOWNSHIP, None),
        ("441900003", Level.COUNTY, None),
        ("110101001", Level.CITY, None),
        ("429004001", Level.CITY, None),
    ],
)
def test_the_hall_of_a_level_over_an_address(
    address: str, level: Level, ancestor: str | None
) -> None:
    found = REGISTER.ancestor(Address.parse(address), level)
    assert (None if found is None else str(found)) == ancestor


@given(st.sampled_from(registered()), st.sampled_from(registered()))
def test_to_stand_under_is_to_have_it_on_the_path(one: str, other: str) -> None:
    above = Address(other)
    assert REGISTER.is_under(Address(one), above) == (above in list(REGISTER.path(Address(one))))
