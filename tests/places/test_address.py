"""Addresses: what a hall is called, and how far its voice reaches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.strategies import ADDRESSES, BRANCH_HALLS, HALLS, VILLAGES

from hallnet.places import Address, Level, Village
from hallnet.places.problems import AddressMalformed, VillageMalformed

PROVINCE, CITY, COUNTY, TOWNSHIP = map(Address, ("33", "3301", "330110", "330110012"))
SHEBAO = Address("330110", "shebao")


@pytest.mark.parametrize(
    ("text", "division", "branch", "level"),
    [
        ("33", "33", "", Level.PROVINCE),
        ("3301", "3301", "", Level.CITY),
        ("330110", "330110", "", Level.COUNTY),
        ("330110012", "330110012", "", Level.TOWNSHIP),
        ("330110-shebao", "330110", "shebao", Level.COUNTY),
        ("33-a1", "33", "a1", Level.PROVINCE),
        ("330110012-x" + "y" * 23, "330110012", "x" + "y" * 23, Level.TOWNSHIP),
    ],
)
def test_an_address_is_a_division_code_and_for_a_branch_hall_a_name(
    text: str, division: str, branch: str, level: Level
) -> None:
    address = Address.parse(text)
    assert (address.division, address.branch, address.level) == (division, branch, level)
    assert address.is_branch_hall == bool(branch)
    assert str(address) == text


@given(ADDRESSES)
def test_an_address_is_read_as_it_is_written(address: Address) -> None:
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "330",
        "33011",
        "3301101",
        "33011001",
        "3301100120",
        "330110012001",
        " 330110",
        "330110 ",
        "330110\n",
        "33 0110",
        "33011O",
        "-330110",
        "+3",
        "330110-",
        "330110-s",
        "330110-Shebao",
        "330110-1she",
        "330110-she_bao",
        "330110-she-bao",
        "330110-社保",
        "330110-shebao\n",
        "330110_shebao",
        "330110-s" + "h" * 24,
        "330-shebao",
        "-shebao",
        "shebao",
        "３３０１１０",
        "٣٣٠١١٠",
        "330110\x00",
        "330110.>",
        "*",
    ],
)
def test_what_is_no_address_is_refused_and_named(text: str) -> None:
    with pytest.raises(AddressMalformed) as refused:
        Address.parse(text, "recipient")
    assert refused.value.where == "recipient"
    assert refused.value.particulars["text"] == text


@given(st.text())
def test_whatever_is_read_as_an_address_is_written_the_same(text: str) -> None:
    try:
        address = Address.parse(text)
    except AddressMalformed:
        return
    assert str(address) == text
    assert text.isascii()


def test_a_problem_repeats_no_more_than_forty_characters_of_what_was_sent() -> None:
    with pytest.raises(AddressMalformed) as refused:
        Address.parse("9" * 1_000_000)
    assert refused.value.particulars["text"] == "9" * 40


@pytest.mark.parametrize("text", ["330110012001", "000000000000"])
def test_a_village_is_a_code_of_twelve_digits(text: str) -> None:
    village = Village.parse(text)
    assert str(village) == text
    assert village.township == Address(text[:9])


@given(VILLAGES)
def test_a_village_is_read_as_it_is_written(village: Village) -> None:
    assert Village.parse(str(village)) == village
    assert village.code.startswith(village.township.division)


@pytest.mark.parametrize(
    "text",
    ["", "330110012", "33011001200", "3301100120011", "33011001200a", "３３０１１００１２００１"],
)
def test_what_is_no_village_is_refused_and_named(text: str) -> None:
    with pytest.raises(VillageMalformed) as refused:
        Village.parse(text, "intake_point")
    assert refused.value.where == "intake_point"


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        (PROVINCE, CITY),
        (PROVINCE, TOWNSHIP),
        (CITY, COUNTY),
        (COUNTY, TOWNSHIP),
        (COUNTY, SHEBAO),
        (CITY, SHEBAO),
        (Address("441900"), Address("441900003")),
        (Address("4419"), Address("441900003")),
    ],
)
def test_a_hall_may_certify_what_lies_below_it(issuer: Address, subject: Address) -> None:
    assert issuer.may_certify(subject)


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        (CITY, PROVINCE),
        (TOWNSHIP, COUNTY),
        (COUNTY, COUNTY),
        (COUNTY, Address("330127")),
        (COUNTY, Address("330127012")),
        (TOWNSHIP, Address("330110013")),
        (TOWNSHIP, SHEBAO),
        (SHEBAO, TOWNSHIP),
        (SHEBAO, COUNTY),
        (SHEBAO, SHEBAO),
        (SHEBAO, Address("330110", "fangchan")),
        (PROVINCE, Address("34")),
    ],
)
def test_a_hall_may_certify_neither_up_nor_sideways_nor_itself(
    issuer: Address, subject: Address
) -> None:
    assert not issuer.may_certify(subject)


@given(ADDRESSES, ADDRESSES)
def test_nobody_certifies_who_is_not_under_its_own_code(one: Address, other: Address) -> None:
    if one.may_certify(other):
        assert not one.is_branch_hall
        assert other.within(one.division)
        assert (one.division, one.branch) != (other.division, other.branch)
        assert not other.may_certify(one)


@given(HALLS, BRANCH_HALLS)
def test_a_branch_hall_certifies_nobody(hall: Address, branch_hall: Address) -> None:
    assert not branch_hall.may_certify(hall)
    assert not branch_hall.may_certify(Address(branch_hall.division, "other"))
    assert not branch_hall.may_certify(branch_hall)
    assert Address(branch_hall.division).may_certify(branch_hall)


@given(ADDRESSES, ADDRESSES, ADDRESSES)
def test_who_certifies_a_certifier_could_certify_its_subjects(
    top: Address, middle: Address, low: Address
) -> None:
    if top.may_certify(middle) and middle.may_certify(low):
        assert top.may_certify(low)


@given(HALLS, st.text("0123456789", min_size=1, max_size=3))
def test_a_longer_code_with_the_same_beginning_is_below(hall: Address, more: str) -> None:
    longer = hall.division + more
    if len(longer) in {4, 6, 9}:
        assert hall.may_certify(Address(longer))
        assert not Address(longer).may_certify(hall)


def test_within_the_empty_code_lies_the_whole_country() -> None:
    assert TOWNSHIP.within("")
    assert TOWNSHIP.within("3301")
    assert SHEBAO.within("330110")
    assert not TOWNSHIP.within("34")
