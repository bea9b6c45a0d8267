"""Which halls compare what was filed where, and by what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.case.builders import case_with, filed

from hallnet.case.fact import Ended, EndManner
from hallnet.case.item import Scope
from hallnet.case.person import Person
from hallnet.case.same_matter import (
    NUMBER_LENGTH_MAX,
    asks_for_keys,
    digest,
    is_compared,
    is_number_of,
    stands,
    told_to,
)
from hallnet.places import Address

PROVINCE, CITY, COUNTY, TOWNSHIP = map(Address, ("33", "3301", "330127", "330127101"))
CITY_OF_TOWNSHIPS, ITS_TOWNSHIP = Address("4419"), Address("441900003")
BRANCH, CITY_BRANCH = Address("330127", "shebao"), Address("3301", "shebao")
SOMEBODY = Person("方小明", "111", "11010519491231002X", "13900000000", "")


@pytest.mark.parametrize(
    ("here", "above", "narrow", "wide"),
    [
        (TOWNSHIP, (COUNTY, CITY, PROVINCE), [COUNTY], [COUNTY, CITY]),
        (COUNTY, (CITY, PROVINCE), [], [CITY]),
        (BRANCH, (COUNTY, CITY, PROVINCE), [], [CITY]),
        (CITY_BRANCH, (CITY, PROVINCE), [], []),
        (CITY, (PROVINCE,), [], []),
        (
            ITS_TOWNSHIP,
            (CITY_OF_TOWNSHIPS, Address("44")),
            [CITY_OF_TOWNSHIPS],
            [CITY_OF_TOWNSHIPS],
        ),
        (PROVINCE, (), [], []),
    ],
    ids=["township", "county", "branch", "branch of a city", "city", "no county", "province"],
)
def test_a_township_tells_its_county_and_whoever_receives_for_the_whole_city_the_city(
    here: Address, above: tuple[Address, ...], narrow: list[Address], wide: list[Address]
) -> None:
    for scope in (None, Scope.TOWNSHIP, Scope.COUNTY):
        assert told_to(here, above, scope) == narrow
    for scope in (Scope.CITY, Scope.PROVINCE, Scope.NATION):
        assert told_to(here, above, scope) == wide
    assert asks_for_keys(here, above) == wide


def test_the_digest_is_of_item_option_and_document_under_the_key_and_of_nothing_else() -> None:
    case = case_with(opening=filed(applicant=SOMEBODY))
    same = case_with(
        opening=filed(applicant=replace(SOMEBODY, name="方晓明", phone="1"), case_no="330127-2")
    )
    assert digest(b"key", case) == digest(b"key", same)
    others = [
        filed(applicant=replace(SOMEBODY, document_number="110105194912310038")),
        filed(applicant=replace(SOMEBODY, document_kind="414")),
        filed(applicant=SOMEBODY, item_id="another"),
        filed(applicant=SOMEBODY, option="another"),
    ]
    found = {digest(b"key", case), digest(b"another key", case)}
    found |= {digest(b"key", case_with(opening=other)) for other in others}
    assert len(found) == 2 + len(others)


def test_who_has_no_document_is_compared_with_nobody() -> None:
    assert is_compared(case_with(opening=filed(applicant=SOMEBODY)))
    assert not is_compared(
        case_with(opening=filed(applicant=replace(SOMEBODY, document_number=" ")))
    )


def test_what_ended_without_a_result_stands_no_longer() -> None:
    assert stands(case_with())
    assert not stands(case_with(Ended("", EndManner.VOID, "重复录入", "", "")))


def test_a_number_is_that_of_the_hall_that_gave_it() -> None:
    assert is_number_of(TOWNSHIP, "330127101-20261123-00001")
    assert not is_number_of(COUNTY, "330127101-20261123-00001")
    assert not is_number_of(TOWNSHIP, "330127101-" + "1" * NUMBER_LENGTH_MAX)
    assert not is_number_of(TOWNSHIP, "330127101-\n")
    assert not is_number_of(TOWNSHIP, "330127101-李")
