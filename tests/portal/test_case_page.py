"""The page of a case: what can be done, by whom, and what is shown to whom."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from tests.portal.applications import (
    COMPLETE,
    INCOMPLETE,
    PERSON,
    PNG,
    WITH_MANDATE,
    blank,
    case_id,
    filed,
)
from tests.portal.conftest import COUNTY, TOWNSHIP, Enter
from tests.portal.halls import (
    AGENT,
    APPLICATION,
    AUTHORISATION,
    CHIEF,
    CLERK,
    OTHER_AGENT,
    Halls,
    picture,
    until,
)
from tests.portal.visitor import Page, Visitor

from hallnet.cli.verifying import describe
from hallnet.node.home import Part
from hallnet.trust.bundle import verify_bundle
from hallnet.wire.case.v1 import case_event_pb2 as wire_event
from hallnet.wire.case.v1 import person_pb2 as wire_person
from hallnet.wire.intake.v1 import intake_service_pb2 as wire

BY_AGENT = {"mandate__acts": ["1", "3"], "mandate__evidence_kind": "2"}


def opened(visitor: Visitor, case: str) -> Page:
    page = visitor.open(f"/cases/{case}")
    assert page.status == 200, page.text
    return page


def act(visitor: Visitor, case: str, key: str, **changed: Any) -> Page:
    return visitor.send(opened(visitor, case).form(f"/acts/{key}"), **changed)


def acts(page: Page) -> set[str]:
    return {form.action.rpartition("/")[2] for form in page.forms if "/acts/" in form.action}


def reported_up(clerk: Visitor) -> str:
    """A case that the township sent to the county."""
    case = case_id(filed(clerk))
    act(clerk, case, "accept")
    act(clerk, case, "review", opinion="1", explanation="入户核查属实")
    assert act(clerk, case, "hand-over").url.query == b"done=hand-over"
    return case


def test_only_acts_within_the_powers_are_offered(enter: Enter) -> None:
    case = case_id(filed(enter(CLERK)))
    clerk = enter(CLERK)
    assert {"accept", "notice", "decline", "withdraw"} <= acts(opened(clerk, case))
    act(clerk, case, "accept")
    page = opened(clerk, case)
    assert "review" in acts(page)
    assert "accept" not in acts(page)


def test_an_act_without_the_power_names_the_power(enter: Enter) -> None:
    """At the county the clerk has no power to decide committed cases."""
    case = reported_up(enter(CLERK))
    clerk = enter(CLERK, COUNTY)
    until(lambda: clerk.open(f"/cases/{case}").status == 200)
    page = until(lambda: _if_said(opened(clerk, case), "审批决定权"))
    assert "decide" not in acts(page)
    assert "decide" in acts(opened(enter(CHIEF, COUNTY), case))


def _if_said(page: Page, text: str) -> Page | None:
    return page if text in page.text else None


def test_a_notice_lists_what_is_missing(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk, INCOMPLETE))
    form = opened(clerk, case).form("/acts/notice")
    assert form.fields["defect_material"] == [AUTHORISATION, ""]
    page = clerk.send(form, defect_kind=["2", "1"])
    assert page.url.query == b"done=notice"
    assert "等待补正" in page.text


def test_a_notice_that_leaves_something_out_is_refused_in_its_form(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk, INCOMPLETE))
    page = act(
        clerk,
        case,
        "notice",
        defect_material=["住址证明"],
        defect_problem=["字迹不清"],
        defect_remedy=["请重新提交"],
    )
    assert page.status == 400
    assert "漏列了缺少的材料" in page.text
    assert page.form("/acts/notice").fields["defect_problem"] == ["字迹不清", ""]


def test_a_row_is_added_without_a_script(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk, INCOMPLETE))
    form = opened(clerk, case).form("/acts/notice")
    typed: dict[str, Any] = {"defect_material": ["甲", "乙"], "defect_problem": ["一", "二"]}
    page = clerk.send(form, **typed, defect_remedy=["", ""], more="1")
    assert page.status == 200
    assert page.form("/acts/notice").fields["defect_material"] == ["甲", "乙", ""]
    assert "notice" in acts(opened(clerk, case))


def test_a_refusal_without_reasons_stays_in_its_form(enter: Enter) -> None:
    case = reported_up(enter(CLERK))
    chief = enter(CHIEF, COUNTY)
    until(lambda: "decide" in acts(chief.open(f"/cases/{case}")))
    page = act(chief, case, "decide", outcome="2", reasons="", legal_basis="某条例第一条")
    assert page.status == 400
    assert "缺少理由" in page.troubles["reasons"]
    assert page.form("/acts/decide").value("legal_basis") == "某条例第一条"
    assert page.form("/acts/decide").value("outcome") == "2"


def test_an_act_that_is_sent_twice_is_done_once(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    form = opened(clerk, case).form("/acts/accept")
    first, again = clerk.send(form), clerk.send(form)
    assert first.url.query == again.url.query == b"done=accept"
    assert opened(clerk, case).text.count("受理日") == 1


def test_an_act_that_is_no_longer_possible_says_why(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    stale = opened(clerk, case).form("/acts/withdraw")
    act(clerk, case, "decline", ground="1", explanation="无需申请")
    page = clerk.send(stale, reason="不办了")
    assert page.status == 400
    assert "不能撤回" in page.text


def test_an_unknown_act_is_no_page(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    form = opened(clerk, case).form("/acts/accept")
    form.action = form.action.replace("accept", "destroy")
    assert clerk.send(form).status == 404


def test_an_agent_sees_only_what_the_agent_filed(enter: Enter) -> None:
    own = case_id(filed(enter(AGENT), WITH_MANDATE, **BY_AGENT))
    counter = case_id(filed(enter(CLERK)))
    agent, other = enter(AGENT), enter(OTHER_AGENT)
    assert agent.open(f"/cases/{own}").status == 200
    for visitor, case in ((agent, counter), (other, own), (other, counter)):
        page = visitor.open(f"/cases/{case}")
        assert page.status == 404
        assert "陈秀英" not in page.html
        assert visitor.open(f"/cases/{case}/receipt").status == 404
    assert own in agent.open("/agent").html
    assert own not in other.open("/agent").html


def test_an_agent_has_only_the_acts_of_the_applicant(enter: Enter) -> None:
    agent = enter(AGENT)
    case = case_id(filed(agent, WITH_MANDATE, **BY_AGENT))
    page = opened(agent, case)
    assert acts(page) == {"supplement", "withdraw"}
    assert "信封投递" not in page.text
    act(enter(CLERK), case, "notice")
    assert acts(opened(agent, case)) == {"supplement", "withdraw"}


def test_every_label_names_its_own_field_and_no_other(enter: Enter) -> None:
    """An id stands once on a page, or a label leads into the form of another act."""
    clerk, chief = enter(CLERK), enter(CHIEF)
    case = case_id(filed(clerk))
    for visitor in (clerk, chief):
        ids = re.findall(r'\bid="([^"]+)"', opened(visitor, case).html)
        assert len(ids) > 10
        assert len(ids) == len(set(ids))


def test_an_agent_cannot_send_the_form_of_a_clerk(enter: Enter) -> None:
    """What is not offered is also refused, by the hall itself."""
    agent = enter(AGENT)
    case = case_id(filed(agent, WITH_MANDATE, **BY_AGENT))
    form = opened(agent, case).form("/acts/withdraw")
    form.action = form.action.replace("withdraw", "accept")
    page = agent.send(form)
    assert page.status == 400
    assert "您没有" in page.text
    form.action = f"/cases/{case}/bundle"
    assert agent.send(form).status == 403


def test_supplements_answer_the_notice(enter: Enter) -> None:
    agent, clerk = enter(AGENT), enter(CLERK)
    case = case_id(filed(agent, WITH_MANDATE, **BY_AGENT))
    act(clerk, case, "notice")
    form = opened(agent, case).form("/acts/supplement")
    nothing = agent.send(form, {f"material:{AUTHORISATION}": ("", b"", "image/png")})
    assert "没有提交任何补正材料" in nothing.text
    page = agent.send(nothing.form("/acts/supplement"), {f"material:{AUTHORISATION}": PNG})
    assert page.url.query == b"done=supplement"
    assert "收到补正材料" in page.text


def test_a_supplement_takes_a_paper_that_the_hall_has(enter: Enter) -> None:
    clerk, card = enter(CLERK), "居民身份证（申请人）"
    person = {"applicant__name": "周巧云", "applicant__document_number": "330127197203154522"}
    papers = {f"material:{name}": PNG for name in ("参保登记表", card)}
    earlier = clerk.send(blank(clerk, "resident-pension-enrolment"), papers, **PERSON | person)
    act(clerk, case_id(earlier), "accept")
    later = clerk.send(blank(clerk, "disability-certificate"), {}, **PERSON | person)
    case = case_id(later)
    offered = act(clerk, case, "supplement", more="held")
    assert "沿用办件" in offered.text
    number = offered.text.split("沿用办件")[1].split()[0]
    page = clerk.send(offered.form("/acts/supplement"), {}, **{f"again:{card}": number})
    assert page.url.query == b"done=supplement"
    assert f"沿用自办件 {number}" in page.text


def test_an_upload_survives_a_refusal_of_its_act(enter: Enter) -> None:
    agent, clerk = enter(AGENT), enter(CLERK)
    case = case_id(filed(agent, WITH_MANDATE, **BY_AGENT))
    act(clerk, case, "notice")
    form = opened(agent, case).form("/acts/supplement")
    broken = {
        f"material:{AUTHORISATION}": PNG,
        f"material:{APPLICATION}": ("x.png", b"", "image/png"),
    }
    page = agent.send(form, broken)
    assert page.status == 400
    assert "空的" in page.troubles[f"material:{APPLICATION}"]
    again = agent.send(page.form("/acts/supplement"), {})
    assert again.url.query == b"done=supplement"


def test_a_wish_is_passed_on_to_the_hall_that_has_the_case(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = reported_up(clerk)
    page = until(
        lambda: _if_said(opened(clerk, case), "本厅只可查看") or _with_withdraw(clerk, case)
    )
    assert acts(page) == {"withdraw"}
    page = act(clerk, case, "withdraw", reason="申请人不再需要")
    assert "已转送现在负责的大厅" in page.text
    until(lambda: _if_said(opened(clerk, case), "已撤回"))


def _with_withdraw(visitor: Visitor, case: str) -> Page | None:
    page = opened(visitor, case)
    return page if acts(page) == {"withdraw"} else None


def test_a_material_is_shown_but_cannot_run(enter: Enter) -> None:
    clerk = enter(CLERK)
    page = opened(clerk, case_id(filed(clerk)))
    address = page.html.split(f'">{APPLICATION}</a>')[0].rpartition('href="')[2].split('"')[0]
    response = clerk.client.get(address)
    assert response.content == picture()
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith("inline")
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "nonsense"])
def test_what_could_run_is_a_download(enter: Enter, media_type: str) -> None:
    clerk = enter(CLERK)
    data = f"<script>{media_type}</script>".encode()
    files = COMPLETE | {f"material:{APPLICATION}": ("page.html", data, media_type)}
    page = opened(clerk, case_id(filed(clerk, files)))
    address = page.html.split(f'">{APPLICATION}</a>')[0].rpartition('href="')[2].split('"')[0]
    response = clerk.client.get(address)
    assert response.content == data
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment")


def test_a_material_of_another_case_is_not_given(enter: Enter) -> None:
    clerk = enter(CLERK)
    own = COMPLETE | {f"material:{APPLICATION}": ("own.png", picture(3), "image/png")}
    with_it = opened(clerk, case_id(filed(clerk, own)))
    digest = with_it.html.split(f'">{APPLICATION}</a>')[0].rpartition("/")[2].split('"')[0]
    other = case_id(filed(clerk))
    assert clerk.client.get(f"/cases/{other}/materials/{digest}").status_code == 404
    assert clerk.client.get(f"/cases/{other}/materials/zz").status_code == 404


def test_the_evidence_bundle_holds(enter: Enter, halls: Halls) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    act(clerk, case, "accept")
    form = opened(clerk, case).form("/bundle")

    def exported() -> bytes:
        fields = {name: values[0] for name, values in form.fields.items()}
        response = clerk.client.post(form.action, data=fields)
        assert response.headers["content-disposition"].startswith("attachment")
        return response.content

    def sound() -> bool:
        report = describe(verify_bundle(exported(), halls.network.root))
        return bool(report["holds"]) and len(report["exhibits"]) >= 2

    assert until(sound)


def test_notices_and_deliveries_of_a_case_are_shown(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = reported_up(clerk)
    page = until(lambda: _if_said(opened(clerk, case), "已送出"))
    assert "查询码" in page.text
    until(lambda: _if_said(opened(clerk, case), "对方已签收"))
    assert "办件记录 → 淳安县" in opened(clerk, case).text


def test_clocks_explain_themselves(enter: Enter) -> None:
    clerk = enter(CLERK)
    case = case_id(filed(clerk))
    act(clerk, case, "accept")
    text = opened(clerk, case).text
    assert "承诺办结时限" in text
    assert "20个工作日" in text
    assert "为什么是这一天" in text
    assert "第1天" in text


def test_a_document_number_is_masked_until_it_is_asked_for(enter: Enter) -> None:
    clerk = enter(CLERK)
    assert "1101**********002X" in opened(clerk, case_id(filed(clerk))).text


def test_a_hall_that_did_not_receive_it_has_no_query_code(enter: Enter) -> None:
    case = reported_up(enter(CLERK))
    chief = enter(CHIEF, COUNTY)
    until(lambda: chief.open(f"/cases/{case}").status == 200)
    assert chief.open(f"/cases/{case}/receipt").status == 404


def test_a_case_is_handed_to_a_colleague_who_finds_it_among_the_own_ones(enter: Enter) -> None:
    """首办负责: offered, and owned from acceptance."""
    clerk, chief = enter(CLERK), enter(CHIEF)
    case = case_id(filed(clerk))
    assert "李窗口" in opened(clerk, case).text
    assert case in clerk.open("/cases?tab=own").html
    refused = act(clerk, case, "offer-ownership", to="nobody")
    assert (refused.status, acts(refused) >= {"offer-ownership"}) == (400, True)
    assert "待接手" in act(clerk, case, "offer-ownership", to=CHIEF).text
    assert case not in chief.open("/cases?tab=own").html
    act(chief, case, "take-ownership")
    assert case in chief.open("/cases?tab=own").html
    assert case not in clerk.open("/cases?tab=own").html
    assert "take-ownership" not in acts(opened(chief, case))


def test_what_is_on_its_way_is_listed_as_such(enter: Enter, halls: Halls) -> None:
    """With the link down it stays on its way."""
    clerk = enter(CLERK)
    exchange = halls.network.node(COUNTY).process_of(Part.EXCHANGE)
    halls.run(exchange.kill())
    try:
        case = reported_up(clerk)
        page = clerk.open("/cases?tab=transit")
        assert case in page.html
        assert "在途" in page.text
        assert case not in clerk.open("/cases?tab=here").html
        assert "断开" in until(lambda: _if_said(clerk.open("/network"), "断开")).text
    finally:
        halls.run(exchange.start())
    until(lambda: case not in clerk.open("/cases?tab=transit").html)
    assert TOWNSHIP not in clerk.open("/cases?tab=transit").form("/sign-out").action


def test_a_case_is_shown_although_a_service_is_down(enter: Enter, halls: Halls) -> None:
    case = reported_up(enter(CLERK))
    chief = enter(CHIEF, COUNTY)
    until(lambda: "decide" in acts(chief.open(f"/cases/{case}")))
    notify = halls.network.node(COUNTY).process_of(Part.NOTIFY)
    halls.run(notify.kill())
    try:
        page = opened(chief, case)
        assert "暂时没有应答" in page.text
        assert "decide" in acts(page)
    finally:
        halls.run(notify.start())


def test_what_may_have_been_done_is_sent_again_without_harm(enter: Enter, halls: Halls) -> None:
    """With the intake down nobody knows; the same form once more is the same request."""
    case = reported_up(enter(CLERK))
    chief = enter(CHIEF, COUNTY)
    until(lambda: "decide" in acts(chief.open(f"/cases/{case}")))
    form = opened(chief, case).form("/acts/decide")
    intake = halls.network.node(COUNTY).process_of(Part.INTAKE)
    halls.run(intake.kill())
    try:
        page = chief.send(form, outcome="1", reasons="符合条件")
        assert page.status == 503
        assert "不会重复办理" in page.text
        assert chief.open("/cases").status == 503
        assert chief.open("/network").status == 200
    finally:
        halls.run(intake.start())
    until(lambda: chief.open("/cases").status == 200)
    assert chief.send(form, outcome="1", reasons="符合条件").url.query == b"done=decide"


def test_the_same_matter_is_shown_with_the_case_whichever_hall_received_it(
    enter: Enter, halls: Halls
) -> None:
    """Enrolled in a pension at the township, there once more, and at the county."""
    person = wire_person.Person(
        name="何同名",
        document_kind="111",
        document_number="330127195001010011",
        phone="13900000000",
    )

    def enrol(at: str) -> wire.CaseSummary:
        by = wire.Act(request_id=f"request-{uuid.uuid4()}", actor_id=CLERK)
        request = wire.FileCaseRequest(
            act=by,
            item_id="resident-pension-enrolment",
            applicant=person,
            channel=wire_event.CHANNEL_COUNTER,
        )

        async def ask() -> wire.FileCaseResponse:
            answer: wire.FileCaseResponse = await halls.desk(at).intake.FileCase(request)
            return answer

        return halls.run(ask()).case.summary

    first, again, at_county = (enrol(at) for at in (TOWNSHIP, TOWNSHIP, COUNTY))
    clerk = enter(CLERK)
    page = until(lambda: _if_said(opened(clerk, first.case_id), at_county.case_no))
    assert again.case_no in page.text
    assert "疑似同一事项" in page.text
    # The township tells its two cases one after the other.
    at_the_county = enter(CLERK, COUNTY)
    found = until(lambda: _if_said(opened(at_the_county, at_county.case_id), again.case_no))
    assert first.case_no in found.text
