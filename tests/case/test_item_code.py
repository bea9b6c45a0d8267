"""Codes of items and credit codes: real ones are read, spoilt ones are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallnet.case.codes import CREDIT_ALPHABET
from hallnet.case.credit_code import credit_code_fault
from hallnet.case.item import ItemCodes
from hallnet.case.item_code import codes_fault, read_base_code, read_implementation_code
from hallnet.case.item_problems import ItemCodeMalformed
from hallnet.places import Level

CREDIT_CODES = ("11440232MB2D06811W", "11511301008778183N", "91610800064834709T")
IMPLEMENTATION = "11440232MB2D06811W" + "4" + "000117051000"
OTHER = "11370800MB28559184" + "3" + "370117002011"


@pytest.mark.parametrize("code", CREDIT_CODES)
def test_a_real_credit_code_is_right(code: str) -> None:
    assert credit_code_fault(code) == ""


@given(
    st.sampled_from(CREDIT_CODES),
    st.integers(min_value=0, max_value=17),
    st.sampled_from(CREDIT_ALPHABET),
)
def test_a_credit_code_with_one_other_character_is_wrong(code: str, place: int, to: str) -> None:
    """GB 32100 and GB 11714 find every single wrong character."""
    spoilt = code[:place] + to + code[place + 1 :]
    assert bool(credit_code_fault(spoilt)) is (spoilt != code)


@pytest.mark.parametrize(
    "code", ["", "1" * 17, "1" * 19, "11440232MB2D0681OW", "１" * 18, "𠮷" * 18]
)
def test_what_is_no_credit_code_is_told(code: str) -> None:
    assert credit_code_fault(code)


def test_an_implementation_code_is_body_level_and_base_code() -> None:
    read = read_implementation_code(IMPLEMENTATION)
    assert (read.authority, read.level, str(read.base)) == (
        "11440232MB2D06811W",
        "4",
        "000117051000",
    )
    assert (read.base.region, read.base.task_type, read.base.department) == ("00", "01", "17")
    assert (read.base.item, read.base.part) == ("051", "000")
    assert str(read) == IMPLEMENTATION
    assert str(read_implementation_code(OTHER)) == OTHER


def test_a_code_of_33_names_the_variant_too() -> None:
    read = read_implementation_code(IMPLEMENTATION + "02")
    assert (read.option, str(read)) == ("02", IMPLEMENTATION + "02")


@pytest.mark.parametrize(
    "code",
    [
        "",
        IMPLEMENTATION[:-1],
        IMPLEMENTATION + "1",
        IMPLEMENTATION + "0x",
        "11440232MB2D06811X" + IMPLEMENTATION[18:],
        IMPLEMENTATION[:18] + "0" + IMPLEMENTATION[19:],
        IMPLEMENTATION[:19] + "00011705100A",
        IMPLEMENTATION[:19] + "000017051000",
    ],
)
def test_a_code_that_cannot_be_one_is_refused_and_says_why(code: str) -> None:
    with pytest.raises(ItemCodeMalformed) as malformed:
        read_implementation_code(code)
    assert malformed.value.particulars["detail"]


@given(st.text(max_size=40))
def test_whatever_is_no_base_code_is_refused(text: str) -> None:
    if len(text) == 12 and text.isascii() and text.isdigit() and text[2:4] != "00":
        assert str(read_base_code(text)) == text
    else:
        with pytest.raises(ItemCodeMalformed):
            read_base_code(text)


def test_the_codes_of_an_item_fit_together() -> None:
    level = Level.COUNTY
    whole = ItemCodes("000117051000", IMPLEMENTATION, IMPLEMENTATION + "01")
    assert codes_fault(whole, level) == ""
    assert codes_fault(ItemCodes("", "", ""), level) == ""
    assert "基本编码" in codes_fault(ItemCodes("000117051001", IMPLEMENTATION, ""), level)
    assert "行使层级" in codes_fault(whole, Level.CITY)
    assert codes_fault(ItemCodes("", IMPLEMENTATION + "01", ""), level)
    other_body = "11370800MB28559184" + "4" + "000117051000"
    assert "不以实施编码开头" in codes_fault(
        ItemCodes("", other_body, IMPLEMENTATION + "01"), level
    )
