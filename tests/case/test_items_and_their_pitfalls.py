"""The 45 items and what is easily got wrong about them: units, starts of clocks, extensions, variants ..."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.case.builders import calendar, working_days

from hallnet.case.catalogue import newest_in_force, version_in_force
from hallnet.case.catalogue_check import findings
from hallnet.case.catalogue_file import supplied_catalogue
from hallnet.case.guide import guide
from hallnet.case.item import (
    Catalogue,
    ClockStart,
    CrossAreaMode,
    HandlingKind,
    IntakePlace,
    ItemOverlay,
    ItemVersion,
    Scope,
    ShelfStatus,
    TaskType,
    TimeUnit,
)
from hallnet.case.overlay import merged
from hallnet.places import Level

ITEMS = {found.item_id: found for found in supplied_catalogue().items}
TODAY = date(2026, 3, 2)


def days(item_id: str) -> tuple[int, TimeUnit] | None:
    limit = ITEMS[item_id].statutory_limit
    return (limit.days, limit.unit) if limit else None


def counted(item_id: str) -> dict[str, bool]:
    return {step.name: step.counted for step in ITEMS[item_id].special_procedures}


def test_the_same_item_has_different_limits_in_different_places() -> None:
    """低保 is 30 working days in the nation, less where a place promises it: data, no constant."""
    nation = ITEMS["subsistence-allowance"]
    fast = merged(nation, ItemOverlay(nation.item_id, 1, 1, working_days(12)))
    slow = merged(nation, ItemOverlay(nation.item_id, 1, 2, working_days(18)))
    assert fast.promised_limit != slow.promised_limit
    assert fast.statutory_limit == slow.statutory_limit == nation.statutory_limit


def test_publicity_of_the_allowance_is_inside_the_limit_and_that_of_poverty_support_outside() -> (
    None
):
    assert [c for name, c in counted("subsistence-allowance").items() if "公示" in name] == [True]
    assert [c for name, c in counted("extreme-poverty-support").items() if "公示" in name] == [
        False
    ]


def test_a_new_law_is_a_new_version_and_running_cases_keep_the_old_one() -> None:
    old = ITEMS["subsistence-allowance"]
    start = date(2027, 7, 1)
    new = replace(old, version=2, effective_from=start)
    versions = (old, new)
    assert version_in_force(versions, start - timedelta(days=1)) == old
    assert version_in_force(versions, start) == new
    assert old in versions


def test_a_marriage_needs_no_household_booklet_no_fee_and_any_office_registers_it() -> None:
    """婚姻登记条例 in force from 2025-05-10."""
    marriage = ITEMS["marriage-registration"]
    assert not any("户口" in wanted.name for wanted in marriage.materials)
    assert not any(fee.charges for fee in marriage.fees)
    assert (marriage.scope, marriage.cross_area_mode) == (Scope.NATION, CrossAreaMode.ANY_OFFICE)
    assert not marriage.agent_allowed
    assert marriage.needs_presence


def test_seven_kinds_of_public_places_file_instead_of_being_licensed() -> None:
    """公共场所卫生管理条例 as changed from 2025-01-20."""
    [_, option] = ITEMS["public-place-hygiene"].options
    assert "博物馆" in option.name
    assert "备案" in option.remark
    assert "疾病预防控制" in ITEMS["public-place-hygiene"].authority


def test_a_food_licence_takes_ten_days_and_farm_produce_needs_nothing() -> None:
    food = ITEMS["food-business-licence"]
    assert days("food-business-licence") == (10, TimeUnit.WORKING_DAY)
    assert food.extension is not None
    assert food.extension.limit.days == 5
    assert {option.name: option.needs_nothing for option in food.options} == {
        "须取得食品经营许可的经营": False,
        "仅销售预包装食品": False,
        "销售食用农产品": True,
    }


@pytest.mark.parametrize(
    "item_id",
    ["food-business-licence", "public-place-hygiene", "logging-permit", "road-freight-permit"],
)
def test_where_the_variants_are_exceptions_the_ordinary_one_can_be_chosen(item_id: str) -> None:
    """Whoever opens an ordinary restaurant, bath, felling site or haulage is in none of the exceptions."""
    ordinary, *exceptions = ITEMS[item_id].options
    assert not ordinary.needs_nothing
    assert not ordinary.remark
    assert all(option.remark or option.needs_nothing for option in exceptions)


def test_a_lorry_up_to_four_and_a_half_tonnes_needs_no_permit() -> None:
    """道路运输条例 article 24, last paragraph."""
    light = ITEMS["road-freight-permit"].option("总质量4500千克及以下普通货车")
    assert light is not None
    assert light.needs_nothing


def test_an_item_off_the_shelf_keeps_its_results_valid_after_running_in_parallel() -> None:
    """老年人优待证 in one province: two versions from 2025-02-01, the end on 2025-05-01."""
    card = replace(ITEMS["elder-card"], effective_until=date(2025, 5, 1))
    successor = replace(card, version=2, effective_from=date(2025, 2, 1), name="凭身份证享受优待")
    versions = (card, successor)
    assert [v.version for v in versions if v.in_force_on(date(2025, 3, 1))] == [1, 2]
    assert newest_in_force(versions, date(2025, 3, 1)) == [successor]
    ended = replace(
        successor, status=ShelfStatus.OFF_SHELF, shelf_basis="停止办理老年人优待证的通知"
    )
    assert newest_in_force((card, ended), date(2025, 5, 1)) == []
    assert ended.results_stay_valid
    assert "本事项已下架" in guide(ended)


def test_closing_a_childcare_subsidy_is_not_the_day_of_payment() -> None:
    """One promise covers the first review and the confirmation together; payment is quarterly."""
    subsidy = ITEMS["childcare-subsidy"]
    assert subsidy.promised_limit is not None
    promised = [leg.promised.days for leg in subsidy.legs if leg.promised]
    assert sum(promised) == subsidy.promised_limit.days
    assert [leg.level for leg in subsidy.legs] == [Level.TOWNSHIP, Level.COUNTY]


def test_enrolment_in_the_pension_takes_ten_days_and_contributions_are_no_fee() -> None:
    assert days("resident-pension-enrolment") == (10, TimeUnit.WORKING_DAY)
    [contribution] = ITEMS["resident-medical-enrolment"].fees
    assert "不属于行政事业性收费" in contribution.permit


RECEIVED = [
    "construction-permit",
    "tax-deferral",
    "legal-aid",
    "resident-pension-enrolment",
    "id-card-renewal",
    "investment-filing",
]


@pytest.mark.parametrize("item_id", RECEIVED)
def test_some_clocks_start_when_the_application_is_received(item_id: str) -> None:
    assert ITEMS[item_id].clock_start is ClockStart.RECEIVED


def test_most_clocks_start_at_acceptance() -> None:
    accepted = [found for found in ITEMS.values() if found.clock_start is ClockStart.ACCEPTED]
    assert len(accepted) > len(ITEMS) / 2


def test_licences_are_counted_in_working_days_and_others_as_their_law_says() -> None:
    """行政许可法 article 82 binds licences only."""
    for found in ITEMS.values():
        if found.task_type is TaskType.LICENCE and found.statutory_limit:
            assert found.statutory_limit.unit is TimeUnit.WORKING_DAY
    assert days("id-card-renewal") == (60, TimeUnit.CALENDAR_DAY)
    assert days("residence-permit") == (15, TimeUnit.CALENDAR_DAY)
    windows = ITEMS["divorce-registration"].special_procedures
    assert [(step.limit.days, step.limit.unit) for step in windows if step.limit] == [
        (30, TimeUnit.CALENDAR_DAY),
        (30, TimeUnit.CALENDAR_DAY),
    ]


@pytest.mark.parametrize("item_id", ["housing-fund-withdrawal", "residence-permit", "legal-aid"])
def test_where_the_law_names_no_unit_the_reading_is_on_record(item_id: str) -> None:
    limit = ITEMS[item_id].statutory_limit
    assert limit is not None
    assert limit.remark


def test_extensions_differ_in_length_cap_and_approver() -> None:
    found = {
        item_id: (item.extension.limit.days, item.extension.limit.unit, item.extension.approver)
        for item_id, item in ITEMS.items()
        if item.extension is not None
    }
    assert found["construction-planning-permit"][0] == 10
    assert found["investment-approval"][:2] == (40, TimeUnit.WORKING_DAY)
    assert "主要负责人" in found["investment-approval"][2]
    assert found["company-registration"][0] == 3
    assert found["food-business-licence"][0] == 5
    assert found["id-card-renewal"][:2] == (30, TimeUnit.CALENDAR_DAY)
    allowance = ITEMS["subsistence-allowance"].extension
    assert allowance is not None
    assert allowance.total_max is not None
    assert allowance.total_max.days == 45


@pytest.mark.parametrize(
    ("item_id", "limits"),
    [("drawing-review", [15, 10, 7, 5]), ("oversize-transport", [5, 10, 20])],
)
def test_a_limit_that_depends_on_the_variant(item_id: str, limits: list[int]) -> None:
    found = ITEMS[item_id]
    statutory = [found.statutory_of(option.name) for option in found.options]
    assert [limit.days for limit in statutory if limit] == limits
    assert found.statutory_limit is not None
    assert found.statutory_limit.days == max(limits)
    for option in found.options:
        promised, allowed = found.promised_of(option.name), found.statutory_of(option.name)
        assert promised is not None
        assert allowed is not None
        assert promised.days * 2 <= allowed.days


def test_a_birth_is_registered_on_the_spot_at_a_counter_and_in_three_days_online() -> None:
    found = ITEMS["birth-service-registration"]
    promised = [found.promised_of(option.name) for option in found.options]
    assert [limit.days for limit in promised if limit] == [0, 3]


def test_incomplete_papers_of_a_company_are_returned_and_filed_anew() -> None:
    assert ITEMS["company-registration"].filed_anew_when_incomplete
    assert [found.item_id for found in ITEMS.values() if found.filed_anew_when_incomplete] == [
        "company-registration"
    ]


def test_an_investment_is_filed_without_a_decision() -> None:
    """企业投资项目核准和备案管理条例 articles 13 and 15: it cannot be refused."""
    filing = ITEMS["investment-filing"]
    assert filing.filing_only
    assert filing.statutory_limit is None
    assert not ITEMS["investment-approval"].filing_only


def test_logging_has_a_quota_and_a_variant_without_a_permit() -> None:
    """森林法 articles 56 and 57: the township issues only if it was entrusted."""
    logging = ITEMS["logging-permit"]
    assert logging.quantity_limit
    assert [option.needs_nothing for option in logging.options] == [False, True, False]
    assert logging.level is Level.COUNTY


def test_the_village_steps_of_a_homestead_come_before_the_clock() -> None:
    steps = counted("homestead-approval")
    assert steps["村级讨论和公示（受理前）"] is False
    assert steps["现场踏勘（到场审查）"] is True
    assert steps["农用地转用"] is False


def test_the_fee_for_building_elsewhere_is_set_by_the_place_and_collected_by_the_tax_body() -> None:
    [fee] = ITEMS["civil-air-defence-offsite"].fees
    assert fee.amount_set_locally
    assert "税务" in fee.collected_by
    assert fee.instalments_allowed
    assert fee.permit


def test_subsidies_for_disabled_people_have_legs_of_their_own_across_provinces() -> None:
    legs = ITEMS["disability-two-subsidies"].cross_area_legs
    assert [leg.limit.days for leg in legs if leg.limit] == [3, 10, 3]
    assert IntakePlace.VILLAGE_POINT in ITEMS["disability-two-subsidies"].accepts_at


def test_the_assessment_of_a_disability_is_not_counted() -> None:
    assert [c for name, c in counted("disability-certificate").items() if "评定" in name] == [False]


def test_a_guide_whose_legs_do_not_add_up_is_flagged() -> None:
    allowance = ITEMS["elder-allowance"]
    spoilt = replace(allowance, promised_limit=working_days(11))
    assert [f.rule for f in findings(Catalogue((spoilt,), ""))] == ["legs"]
    assert findings(Catalogue((allowance,), "")) == ()


def test_presence_for_an_identity_card_excludes_an_agent() -> None:
    card = ITEMS["id-card-renewal"]
    assert card.needs_presence
    assert not card.agent_allowed


def test_who_may_be_an_agent_is_more_than_yes_or_no() -> None:
    limited = [found for found in ITEMS.values() if found.agent_allowed and found.agent_limit]
    assert {"residence-permit", "company-registration", "realty-transfer"} <= {
        found.item_id for found in limited
    }


def test_a_cross_area_mode_beside_the_three_official_ones_is_kept() -> None:
    any_office = {
        item_id
        for item_id, found in ITEMS.items()
        if found.cross_area_mode is CrossAreaMode.ANY_OFFICE
    }
    assert {"marriage-registration", "driver-licence-renewal", "vehicle-registration-plate"} <= (
        any_office
    )


def test_joint_licences_have_45_days_and_15_more_by_the_government() -> None:
    """行政许可法 article 42 (2)."""
    joint = ITEMS["company-registration-preapproval"]
    assert days("company-registration-preapproval") == (45, TimeUnit.WORKING_DAY)
    assert joint.extension is not None
    assert joint.extension.limit.days == 15
    assert "人民政府" in joint.extension.approver
    assert joint.joint_bodies


@pytest.mark.parametrize(
    "item_id", ["bundle-newborn", "bundle-business-start", "bundle-after-death"]
)
def test_a_bundle_has_no_statutory_limit_and_names_its_parts(item_id: str) -> None:
    assert days(item_id) is None
    assert len(ITEMS[item_id].bundled_items) >= 4


def test_every_promise_keeps_the_half_rule_but_the_allowance_that_says_why() -> None:
    exempt = [found.item_id for found in ITEMS.values() if found.half_rule_exemption]
    assert exempt == ["subsistence-allowance"]
    assert [f for f in findings(supplied_catalogue()) if f.rule == "promise"] == []


@pytest.mark.parametrize("found", ITEMS.values(), ids=lambda found: found.item_id)
def test_every_supplied_limit_can_be_counted(found: ItemVersion) -> None:
    for limit in (found.statutory_limit, found.promised_limit, found.legal_cap):
        if limit is not None:
            assert calendar().count(TODAY, limit).due_on >= TODAY


def test_instant_items_have_no_statutory_limit_and_what_rules_set_is_a_cap() -> None:
    instant = [f for f in ITEMS.values() if f.handling_kind is HandlingKind.INSTANT]
    assert all(found.statutory_limit is None for found in instant)
    cap = ITEMS["vehicle-registration-plate"].legal_cap
    assert cap is not None
    assert (cap.days, cap.unit) == (2, TimeUnit.WORKING_DAY)
