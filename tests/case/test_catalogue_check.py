"""What an item has to be before it is published."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.case.builders import calendar_days, item, needed, working_days

from hallnet.case.catalogue_check import Weight, findings, require_publishable
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.item import (
    BaseItem,
    Catalogue,
    Fee,
    FlowLink,
    HandlingKind,
    ItemCodes,
    ItemOption,
    ItemVersion,
    Leg,
    LegalBasis,
    PublishingRules,
    ShelfStatus,
    TimeLimit,
    TimeUnit,
)
from hallnet.case.item_problems import CatalogueNotPublishable
from hallnet.case.item_terms import DisclosureSet, ResultKind
from hallnet.case.problems import CatalogueMalformed
from hallnet.places import Level

REVIEW, CHECK = FlowLink("审查", "窗口人员", None), FlowLink("审核", "首席代表", None)
MORE = tuple(FlowLink(f"会签{number}", "科室", None) for number in range(9))


def sound(**changes: Any) -> ItemVersion:
    return item(**({"links": (REVIEW, CHECK)} | changes))


def rules_broken(*items: ItemVersion, rules: PublishingRules | None = None) -> list[str]:
    found = findings(Catalogue(items, "test", rules))
    return [finding.rule for finding in found if finding.weight is Weight.BLOCKS]


def warnings(*items: ItemVersion, rules: PublishingRules | None = None) -> list[str]:
    found = findings(Catalogue(items, "test", rules))
    return [finding.rule for finding in found if finding.weight is Weight.WARNS]


def test_a_sound_item_may_be_published() -> None:
    require_publishable(Catalogue((sound(),), "test"))


def test_the_supplied_items_may_be_published() -> None:
    require_publishable(supplied_catalogue())


# Acceptance check 2: promise > 50 % of the statutory limit, or a simple flow with three links.


def test_publishing_a_promise_over_half_or_a_simple_flow_of_three_links_is_blocked_with_reason() -> (
    None
):
    late = sound(item_id="late", promised_limit=working_days(11))
    long = sound(item_id="long", links=(REVIEW, CHECK, MORE[0]))
    with pytest.raises(CatalogueNotPublishable) as blocked:
        require_publishable(Catalogue((sound(), late, long), "test"))
    told = blocked.value.in_chinese()
    assert "late：承诺时限11个工作日超过法定时限20个工作日的50%" in told
    assert "long：一般事项最多2个环节，现有3个" in told


@given(st.integers(0, 200), st.integers(1, 100), st.integers(1, 100))
def test_the_promise_is_at_most_the_share_of_the_statutory_limit(
    promised: int, statutory: int, percent: int
) -> None:
    found = rules_broken(
        sound(promised_limit=working_days(promised), statutory_limit=working_days(statutory)),
        rules=PublishingRules(promise_percent_max=percent),
    )
    assert ("promise" in found) is (promised * 100 > statutory * percent)


def test_a_promise_over_half_needs_a_reason_on_record() -> None:
    exempt = sound(promised_limit=working_days(20), half_rule_exemption="公示不能压缩")
    assert rules_broken(exempt) == []


@pytest.mark.parametrize(
    ("promised", "statutory", "broken"),
    [
        (TimeLimit(8, TimeUnit.HOUR), working_days(2), False),
        (TimeLimit(9, TimeUnit.HOUR), working_days(2), True),
        (working_days(5), calendar_days(14), False),
        (working_days(6), calendar_days(14), True),
    ],
)
def test_limits_of_different_units_are_compared_by_their_length(
    promised: TimeLimit, statutory: TimeLimit, broken: bool
) -> None:
    found = rules_broken(sound(promised_limit=promised, statutory_limit=statutory))
    assert found == (["promise"] if broken else [])


def test_each_variant_keeps_the_half_rule_with_its_own_limits() -> None:
    option = ItemOption("小型", working_days(6), "")
    assert rules_broken(sound(options=(option,))) == ["promise"]
    assert rules_broken(sound(options=(replace(option, promised=working_days(3)),))) == []


@pytest.mark.parametrize(
    ("complex_flow", "links", "broken"),
    [(False, 2, False), (False, 3, True), (True, 5, False), (True, 6, True)],
)
def test_an_ordinary_flow_has_two_links_and_a_complex_one_five(
    complex_flow: bool, links: int, broken: bool
) -> None:
    found = rules_broken(sound(links=MORE[:links], complex_flow=complex_flow))
    assert found == (["links"] if broken else [])


def test_how_many_links_is_set_with_the_catalogue() -> None:
    rules = PublishingRules(links_max=1, complex_links_max=6)
    assert rules_broken(sound(), rules=rules) == ["links"]
    assert rules_broken(sound(links=MORE[:6], complex_flow=True), rules=rules) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("内容", {"authority": ""}),
        ("内容", {"result_name": ""}),
        ("程序", {"links": ()}),
        ("材料", {"materials": ()}),
        ("时限", {"promised_limit": None, "statutory_limit": None}),
        ("收费", {"fees": (Fee("费", 0, False, "", "", "", ""),)}),
    ],
)
def test_five_disclosures_are_complete(name: str, changes: dict[str, Any]) -> None:
    found = findings(Catalogue((sound(**changes),), "test"))
    assert [finding.detail for finding in found] == [f"{name}未公开"]


def test_an_item_that_needs_no_papers_says_so() -> None:
    assert rules_broken(sound(materials=(), needs_no_materials=True)) == []


def test_eight_disclosures_are_asked_for_where_the_release_says_so() -> None:
    eight = PublishingRules(DisclosureSet.EIGHT)
    found = findings(Catalogue((sound(),), "test", eight))
    assert [finding.detail for finding in found] == ["依据未公开", "示范文本未公开", "结果未公开"]
    whole = sound(
        legal_basis=(LegalBasis("某法", "第一条", ""),),
        materials=(needed("申请表", example="申请表示例.pdf"),),
        result_kind=ResultKind.CERTIFICATE,
    )
    assert rules_broken(whole, rules=eight) == []


def test_what_is_off_the_shelf_discloses_nothing_but_has_a_legal_reason() -> None:
    gone = sound(status=ShelfStatus.OFF_SHELF, materials=())
    assert rules_broken(gone) == ["shelf"]
    assert rules_broken(replace(gone, shelf_basis="某省关于停止办理的通知")) == []


def test_an_instant_item_promises_no_days() -> None:
    assert rules_broken(sound(handling_kind=HandlingKind.INSTANT, statutory_limit=None)) == [
        "handling"
    ]
    instant = sound(
        handling_kind=HandlingKind.INSTANT, statutory_limit=None, promised_limit=working_days(0)
    )
    assert rules_broken(instant) == []


# 收费亮证


def without(fee: Fee, field: str) -> Fee:
    changes: dict[str, Any] = {field: ""}
    return replace(fee, **changes)


@pytest.mark.parametrize("missing", ["basis", "permit"])
def test_no_fee_is_published_without_basis_and_permit(missing: str) -> None:
    """行政许可法 article 58; 收费亮证."""
    fee = Fee("工本费", 1000, False, "某文件", "", "", "", permit="收费目录清单第3项")
    assert rules_broken(sound(fees=(fee,))) == []
    assert "fee" in rules_broken(sound(fees=(without(fee, missing),)))


def test_a_fee_that_the_place_sets_needs_a_standard_in_words() -> None:
    fee = Fee("建设费", 0, True, "某文件", "", "", "", permit="收费目录清单第4项")
    assert rules_broken(sound(fees=(fee,))) == ["fee"]
    assert rules_broken(sound(fees=(replace(fee, unit="元/平方米"),))) == []


def test_what_is_free_needs_no_permit() -> None:
    assert (
        rules_broken(sound(fees=(Fee("登记费", 0, False, "某条例：不得收费", "", "", ""),))) == []
    )


# Names, codes, splitting


def test_the_name_is_that_of_the_base_catalogue() -> None:
    rules = PublishingRules(base_items=(BaseItem("000117051000", "某事项"),))
    codes = ItemCodes("000117051000", "", "")
    assert rules_broken(sound(codes=codes), rules=rules) == []
    assert rules_broken(sound(codes=codes, name="某某事项办理"), rules=rules) == ["name"]
    assert warnings(sound(codes=ItemCodes("000117051001", "", "")), rules=rules) == ["base"]


def test_codes_that_cannot_be_are_not_published() -> None:
    assert rules_broken(sound(codes=ItemCodes("000117", "", ""))) == ["codes"]


BASIS = (LegalBasis("某法", "第八条", ""),)


def test_the_same_legal_basis_in_two_places_is_shown_as_a_possible_splitting() -> None:
    one, other = (
        sound(legal_basis=BASIS),
        sound(item_id="other", name="其他事项", legal_basis=BASIS),
    )
    found = findings(Catalogue((one, other), "test"))
    assert [(f.rule, f.weight, f.item_id) for f in found] == [("splitting", Weight.WARNS, "other")]
    require_publishable(Catalogue((one, other), "test"))


def test_versions_bundles_levels_and_general_laws_are_no_splitting() -> None:
    one = sound(legal_basis=BASIS)
    assert warnings(one, replace(one, version=2)) == []
    assert warnings(one, sound(item_id="b", legal_basis=BASIS, bundled_items=("an-item",))) == []
    assert warnings(one, sound(item_id="b", legal_basis=BASIS, level=Level.CITY)) == []
    rules = PublishingRules(general_laws=("某法",))
    assert warnings(one, sound(item_id="b", legal_basis=BASIS), rules=rules) == []
    general = (LegalBasis("中华人民共和国行政许可法", "第四十二条", ""),)
    assert warnings(sound(legal_basis=general), sound(item_id="b", legal_basis=general)) == []


def leg(sequence: int, group: int, days: int, counted: bool = True) -> Leg:
    return Leg(sequence, group, Level.COUNTY, "某局", "审", working_days(days), None, counted)


def test_legs_whose_sum_is_not_the_promise_are_flagged() -> None:
    """A guide was seen with legs of 1+5+5+5+5 days and a promise of 22."""
    guide = sound(
        statutory_limit=working_days(45),
        promised_limit=working_days(22),
        legs=(leg(1, 1, 1), *(leg(number, number, 5) for number in range(2, 6))),
    )
    assert warnings(guide) == ["legs"]
    assert warnings(replace(guide, promised_limit=working_days(21))) == []


def test_of_legs_in_parallel_the_longest_counts_and_of_uncounted_ones_none() -> None:
    legs = (leg(1, 1, 2), leg(2, 1, 3), leg(3, 2, 2), leg(4, 3, 30, counted=False))
    assert warnings(sound(promised_limit=working_days(5), legs=legs)) == []


def test_an_item_outside_the_hall_has_an_approver() -> None:
    assert rules_broken(sound(outside_hall_reason="涉密")) == ["hall"]
    allowed = sound(outside_hall_reason="涉密", outside_hall_approver="县政府办")
    assert rules_broken(allowed) == []


def test_a_version_ends_after_it_begins() -> None:
    day = date(2026, 3, 2)
    assert rules_broken(sound(effective_from=day, effective_until=day)) == ["shelf"]


def test_what_a_case_names_stands_once() -> None:
    assert rules_broken(sound(materials=(needed("照片"), needed("照片")))) == ["contents"]
    option = ItemOption("首次", None, "", materials=("没有的材料",))
    assert rules_broken(sound(options=(option,))) == ["contents"]


def test_versions_that_cannot_be_told_apart_are_no_catalogue() -> None:
    with pytest.raises(CatalogueMalformed):
        findings(Catalogue((sound(), sound()), "test"))
