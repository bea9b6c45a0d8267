"""Filing: once, with problems beside their fields, and nothing lost that was typed or uploaded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.portal.applications import (
    COMPLETE,
    INCOMPLETE,
    NUMBER,
    ORGANISATION,
    PERSON,
    PNG,
    WITH_MANDATE,
    blank,
    case_id,
    filed,
)
from tests.portal.conftest import COUNTY, Enter
from tests.portal.halls import (
    AGENT,
    APPLICATION,
    AUTHORISATION,
    CLERK,
    SUBSISTENCE,
    VILLAGE,
    picture,
)

from hallnet.case.mandate import MANDATE, write_mandate_file
from hallnet.codec.moments import to_timestamp
from hallnet.portal.uploads import MATERIAL_BYTES_MAX
from hallnet.wire.case.v1 import person_pb2 as wire_person

MANDATE_FIELDS = {"mandate__acts": ["1", "3"], "mandate__evidence_kind": "2"}


def test_a_receipt_shows_number_and_query_code(enter: Enter) -> None:
    page = filed(enter(CLERK))
    assert "收件凭证" in page.text
    assert "查询码" in page.text
    assert APPLICATION in page.text
    assert "尚缺材料" not in page.text


def test_what_is_sent_twice_is_filed_once(enter: Enter) -> None:
    visitor = enter(CLERK)
    form = blank(visitor)
    first = visitor.send(form, COMPLETE, **PERSON)
    again = visitor.send(form, COMPLETE, **PERSON)
    assert case_id(first) == case_id(again)


def test_a_double_click_files_once(enter: Enter) -> None:
    visitor = enter(CLERK)
    form = blank(visitor)
    with ThreadPoolExecutor(2) as clicks:
        pages = list(clicks.map(lambda _: visitor.send(form, COMPLETE, **PERSON), range(2)))
    assert len({case_id(page) for page in pages}) == 1


def test_an_agents_double_click_files_once(enter: Enter) -> None:
    """The mandate that goes before the case is one as well."""
    visitor = enter(AGENT)
    form = blank(visitor)
    sent = PERSON | MANDATE_FIELDS
    first = visitor.send(form, WITH_MANDATE, **sent)
    again = visitor.send(form, WITH_MANDATE, **sent)
    assert "receipt" in first.url.path
    assert case_id(first) == case_id(again)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("applicant.document_number", "110105194912310021", "校验码"),
        ("applicant.document_number", "123", "18位"),
        ("applicant.name", " ", "缺少姓名"),
        ("for_division", "990000", "不存在"),
        ("for_division", "130102", "不能在本厅"),
    ],
)
def test_a_problem_stands_beside_its_field(
    enter: Enter, field: str, value: str, problem: str
) -> None:
    visitor = enter(CLERK)
    changed = PERSON | {field.replace(".", "__"): value}
    page = visitor.send(blank(visitor), COMPLETE, **changed)
    assert page.status == 400
    assert set(page.troubles) == {field}
    assert problem in page.troubles[field]
    form = page.form(SUBSISTENCE)
    assert form.value("applicant.phone") == "13900000000"
    assert form.value(field).strip() == value.strip()


def test_an_organisation_files_with_its_credit_code(enter: Enter) -> None:
    visitor = enter(CLERK)
    typed = PERSON | {
        "applicant__name": ORGANISATION,
        "applicant__document_kind": "001",
        "applicant__document_number": "91610800064834709t",
    }
    page = visitor.send(blank(visitor), COMPLETE, **typed)
    assert "法定代表人" in page.troubles["applicant.representative"]
    receipt = visitor.send(
        page.form(SUBSISTENCE), {}, applicant__representative="钱七", applicant__contact="孙八"
    )
    case = visitor.open(f"/cases/{case_id(receipt)}")
    for shown in (ORGANISATION, "91610800064834709T", "钱七", "孙八"):
        assert shown in case.text
    found = visitor.open("/cases?q=91610800064834709T")
    assert ORGANISATION in found.text


def test_uploaded_files_need_not_be_chosen_again(enter: Enter) -> None:
    visitor = enter(CLERK)
    wrong = PERSON | {"applicant__document_number": "110105194912310021"}
    page = visitor.send(blank(visitor), COMPLETE, **wrong)
    assert page.text.count("已上传 scan.png") == 2
    receipt = visitor.send(page.form(SUBSISTENCE), {}, applicant__document_number=NUMBER)
    assert APPLICATION in receipt.text
    assert AUTHORISATION in receipt.text
    assert "尚缺材料" not in receipt.text


def test_a_kept_file_of_another_session_is_not_taken(enter: Enter) -> None:
    """Knowing what another clerk uploaded is not having it."""
    wrong = PERSON | {"applicant__document_number": "110105194912310021"}
    theirs = enter(CLERK)
    kept = theirs.send(blank(theirs), COMPLETE, **wrong).form(SUBSISTENCE)
    mine = enter(CLERK, afresh=True)
    form = blank(mine)
    name = f"kept:{APPLICATION}"
    form.fields[name] = kept.fields[name]
    assert "尚缺材料" in mine.send(form, {}, **PERSON).text


def test_a_file_above_the_limit_is_told_beside_its_field(enter: Enter) -> None:
    visitor = enter(CLERK)
    large = ("large.png", bytes(MATERIAL_BYTES_MAX + 1), "image/png")
    files = {f"material:{APPLICATION}": large, f"material:{AUTHORISATION}": PNG}
    page = visitor.send(blank(visitor), files, **PERSON)
    assert page.status == 400
    assert "超过20MB上限" in page.troubles[f"material:{APPLICATION}"]
    assert page.form(SUBSISTENCE).value("applicant.name") == "陈秀英"
    assert "已上传 scan.png" in page.text


def test_what_people_type_is_shown_and_not_run(enter: Enter) -> None:
    visitor = enter(CLERK)
    name = '<script>alert("x")</script>'
    receipt = filed(visitor, applicant__name=name)
    case = visitor.open(f"/cases/{case_id(receipt)}")
    for page in (receipt, case, visitor.open("/cases")):
        assert "<script>alert" not in page.html
    assert name in receipt.text
    assert name in case.text


def test_a_name_in_quotes_stays_in_its_field(enter: Enter) -> None:
    visitor = enter(CLERK)
    name = '"><b>x'
    page = visitor.send(
        blank(visitor), COMPLETE, **(PERSON | {"applicant__name": name, "for_division": "990000"})
    )
    assert page.form(SUBSISTENCE).value("applicant.name") == name


def test_an_application_for_another_place_goes_to_its_hall(enter: Enter) -> None:
    visitor = enter(CLERK)
    form = blank(visitor, "id-card-renewal")
    receipt = visitor.send(form, **(PERSON | {"for_division": "海盐县"}))
    assert "嘉兴市海盐县" in visitor.open(f"/cases/{case_id(receipt)}").text


def test_an_item_that_is_not_taken_in_here_has_no_page(enter: Enter) -> None:
    assert enter(CLERK, COUNTY).open(f"/file/{SUBSISTENCE}").status == 404
    assert enter(CLERK).open("/file/no-such-item").status == 404


def test_items_are_found_by_a_part_of_their_name(enter: Enter) -> None:
    text = enter(CLERK).open("/file?q=低保").text
    assert "没有相符的事项" in text
    assert "最低生活保障" in enter(CLERK).open("/file?q=生活保障").text


def test_an_agent_files_at_the_village_point_with_a_mandate(enter: Enter) -> None:
    visitor = enter(AGENT)
    receipt = filed(visitor, WITH_MANDATE, **MANDATE_FIELDS)
    assert AUTHORISATION in receipt.text.split("尚缺材料")[1]
    case = visitor.open(f"/cases/{case_id(receipt)}")
    assert "代办员收件" in case.text
    assert "浪洞村" in case.text
    assert "凭指印" in case.text


def test_a_mandate_without_evidence_is_refused_beside_it(enter: Enter) -> None:
    visitor = enter(AGENT)
    page = visitor.send(blank(visitor), INCOMPLETE, **(PERSON | MANDATE_FIELDS))
    assert "凭证" in page.troubles["material:mandate"]


def test_a_mandate_without_acts_is_refused_beside_them(enter: Enter) -> None:
    visitor = enter(AGENT)
    sent = PERSON | MANDATE_FIELDS | {"mandate__acts": []}
    page = visitor.send(blank(visitor), WITH_MANDATE, **sent)
    assert "委托权限为空" in page.troubles["mandate.acts"]


@pytest.mark.parametrize("until", ["tomorrow", "", "2020-01-01"])
def test_a_mandate_until_no_day_is_refused_beside_it(enter: Enter, until: str) -> None:
    visitor = enter(AGENT)
    sent = PERSON | MANDATE_FIELDS | {"mandate__valid_until": until}
    page = visitor.send(blank(visitor), WITH_MANDATE, **sent)
    assert set(page.troubles) == {"mandate.valid_until"}
    assert "已上传 scan.png" in page.text


def mandate_file(evidence: bytes, number: str = NUMBER) -> bytes:
    import hashlib

    now = datetime.now(UTC)
    message = wire_person.Mandate(
        client=wire_person.Person(
            name="陈秀英", document_kind="111", document_number=number, phone="13900000000"
        ),
        agent_id=AGENT,
        item_ids=[SUBSISTENCE],
        acts=[wire_person.MANDATE_ACT_SUBMIT],
        valid_from=(date.today() - timedelta(days=1)).isoformat(),
        valid_until=(date.today() + timedelta(days=30)).isoformat(),
        evidence_kind=wire_person.MANDATE_EVIDENCE_KIND_VOICE,
        evidence=wire_person.Material(
            name="mandate",
            digest=hashlib.sha256(evidence).digest(),
            size=len(evidence),
            media_type="image/png",
            submitted_at=to_timestamp(now),
        ),
    )
    return write_mandate_file(MANDATE.from_message(message))


def test_a_mandate_file_is_taken(enter: Enter) -> None:
    visitor = enter(AGENT)
    file = ("mandate.json", mandate_file(picture()), "application/json")
    receipt = filed(visitor, {**WITH_MANDATE, "mandate_file": file})
    assert "凭录音" in visitor.open(f"/cases/{case_id(receipt)}").text


def test_a_mandate_file_stays_in_the_form(enter: Enter) -> None:
    visitor = enter(AGENT)
    file = ("mandate.json", mandate_file(picture()), "application/json")
    wrong = PERSON | {"applicant__name": ""}
    page = visitor.send(blank(visitor), {**WITH_MANDATE, "mandate_file": file}, **wrong)
    assert "委托书文件已读入" in page.text
    receipt = visitor.send(page.form(SUBSISTENCE), {}, **PERSON)
    assert "凭录音" in visitor.open(f"/cases/{case_id(receipt)}").text


def test_a_mandate_file_needs_the_very_evidence(enter: Enter) -> None:
    visitor = enter(AGENT)
    file = ("mandate.json", mandate_file(picture(7)), "application/json")
    page = visitor.send(blank(visitor), {**WITH_MANDATE, "mandate_file": file}, **PERSON)
    assert "不是同一份" in page.troubles["material:mandate"]


def test_a_file_that_is_no_mandate_is_refused_beside_it(enter: Enter) -> None:
    visitor = enter(AGENT)
    file = ("mandate.json", b'{"form": "another"}', "application/json")
    page = visitor.send(blank(visitor), {**WITH_MANDATE, "mandate_file": file}, **PERSON)
    assert "不是委托书" in page.troubles["mandate_file"]


def test_a_mandate_of_somebody_else_is_refused(enter: Enter) -> None:
    visitor = enter(AGENT)
    file = ("mandate.json", mandate_file(picture(), "330127197501011229"), "application/json")
    page = visitor.send(blank(visitor), {**WITH_MANDATE, "mandate_file": file}, **PERSON)
    assert page.status == 400
    assert page.troubles


def test_a_village_that_is_not_the_agents_is_refused(enter: Enter) -> None:
    visitor = enter(AGENT)
    other = VILLAGE[:9] + "999"
    sent = PERSON | MANDATE_FIELDS | {"intake_point": other}
    assert visitor.send(blank(visitor), WITH_MANDATE, **sent).status == 400


def test_a_paper_that_the_hall_has_is_offered_and_taken_again(enter: Enter) -> None:
    visitor, card = enter(CLERK), "居民身份证（申请人）"
    form = blank(visitor, "resident-pension-enrolment")
    papers = {f"material:{name}": PNG for name in ("参保登记表", card)}
    nothing = visitor.send(form, papers, more="held", **PERSON)
    assert "本厅没有可以沿用的材料" in nothing.text
    earlier = case_id(visitor.send(nothing.form("resident-pension-enrolment"), {}))
    visitor.send(visitor.open(f"/cases/{earlier}").form("/acts/accept"))
    form = blank(visitor, "disability-certificate")
    offered = visitor.send(form, {}, more="held", **PERSON)
    assert "沿用办件" in offered.text
    number = offered.text.split("沿用办件")[1].split()[0]
    again = {f"again:{card}": number}
    later = visitor.send(offered.form("disability-certificate"), {}, **again)
    assert f"沿用自办件 {number}" in visitor.open(f"/cases/{case_id(later)}").text
