"""The pages of the window: each path that people take, and what is told when it is refused."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from tests.portal.applications import NUMBER, PERSON, WITH_MANDATE, blank, case_id, filed
from tests.portal.conftest import COUNTY, Enter
from tests.portal.halls import AGENT, CHIEF, CLERK, HEAD, OTHER_AGENT, picture
from tests.portal.visitor import Page, SeenForm, Visitor

from hallnet.portal.problems import AmountMalformed, LineMalformed, TimeMalformed
from hallnet.portal.window.pages import PAGES
from hallnet.portal.window.parsing import fen, lines, minute, monday, yuan

DAY = (date.today() + timedelta(days=3)).isoformat()


def form_of(page: Page, action: str, of: str = "") -> SeenForm:
    """The form of a deed, upon one thing if that is named."""
    fitting = [form for form in page.forms if form.action.endswith(action)]
    return next(form for form in fitting if not of or form.fields.get("of") == [of])


def number_on(receipt: Page) -> str:
    return receipt.html.split('id="case-no">')[1].split("<")[0]


def done(
    who: Visitor, path: str, action: str, of: str = "", /, files: Any = None, **fields: Any
) -> Page:
    page = who.send(form_of(who.open(path), action, of), files, **fields)
    assert page.status == 200, page.text
    return page


@pytest.mark.parametrize("page", [page.key for page in PAGES])
def test_every_page_opens_for_who_supervises(enter: Enter, page: str) -> None:
    opened = enter(CHIEF).open(f"/window/{page}")
    assert opened.status == 200, opened.text
    ids = re.findall(r'\bid="([^"]+)"', opened.html)
    assert len(ids) == len(set(ids))


def test_the_pages_are_for_staff_and_scores_for_who_supervises(enter: Enter) -> None:
    assert enter(AGENT).open("/window/queue").status == 403
    assert enter(CLERK).open("/window/scores").status == 403
    assert "考核" not in enter(CLERK).open("/window/queue").text
    assert enter(CLERK).open("/window/nothing").status == 404


# Powers


def test_a_head_gives_a_power_for_a_time_and_takes_it_back(enter: Enter) -> None:
    clerk, chief = enter(CLERK), enter(CHIEF)
    path = "/window/grants?show=all"
    assert "审批决定权" not in clerk.open(path).text
    assert not [form for form in clerk.open(path).forms if form.action.endswith("/grants/give")]
    done(chief, path, "/grants/give", to=CLERK, power="6", last=DAY, items="elder-card")
    assert "审批决定权" in clerk.open(path).text
    assert f"至{DAY}" in clerk.open(path).text
    refused = chief.send(form_of(chief.open(path), "/grants/give"), to=CHIEF, power="6")
    assert (refused.status, "不能给自己授权" in refused.text) == (400, True)
    given = [
        form.fields["of"][0]
        for form in chief.open(path).forms
        if form.action.endswith("/grants/revoke") and form.fields["of"][0].endswith(CLERK)
    ]
    newest = max(given, key=lambda of: int(of.split()[0]))
    page = done(chief, path, "/grants/revoke", newest, reason="调岗")
    assert "已收回" in page.text


def test_what_nobody_may_do_is_shown_to_who_opens_the_page(enter: Enter) -> None:
    assert "每个事项的每种办件都有人有权办理" in enter(CHIEF).open("/window/grants").text


# Appointments


def opened_slots(chief: Visitor, group: str, capacity: str = "1") -> list[str]:
    page = done(
        chief,
        f"/window/booking?day={DAY}",
        "/booking/open",
        group=group,
        day=DAY,
        first="09:00",
        last="10:00",
        minutes="30",
        capacity=capacity,
    )
    assert "已开放2个时段" in page.text
    forms = chief.open(f"/window/booking?day={DAY}").forms
    return [
        form.value("of")
        for form in forms
        if form.action.endswith("/booking/book") and group in form.value("of")
    ]


def test_a_place_is_given_once_and_who_waits_moves_up(enter: Enter) -> None:
    chief = enter(CHIEF)
    path = f"/window/booking?day={DAY}"
    slot, other = opened_slots(chief, "结婚登记")
    page = done(chief, path, "/book", slot, visitor="赵一", telephone="13800000001")
    assert "预约成功" in page.text
    again = form_of(chief.open(path), "/book", other)
    page = chief.send(again, visitor="赵一", telephone="+86 13800000001")
    assert page.status == 400
    assert "已有预约" in page.text
    full = form_of(chief.open(path), "/book", slot)
    page = chief.send(full, visitor="钱二", telephone="13800000002")
    assert page.status == 400
    assert "该时段已约满" in page.text
    page = chief.send(full, visitor="钱二", telephone="13800000002", or_wait="1")
    assert "已登记候补" in page.text
    named = f"{path}&slot={slot}"
    text = chief.open(named).text
    assert "赵一" in text
    assert "候补" in text
    page = chief.send(form_of(chief.open(named), "/cancel"))
    assert "已递补" in page.text


def test_nobody_is_named_in_an_address(enter: Enter) -> None:
    chief = enter(CHIEF)
    slot, _ = opened_slots(chief, "档案查询")
    page = chief.send(
        form_of(chief.open(f"/window/booking?day={DAY}"), "/book", slot),
        visitor="孙三",
        telephone="13800000003",
    )
    assert "孙三" not in str(page.url)
    assert "13800000003" not in str(page.url)


# The queue


def window(chief: Visitor, number: str) -> None:
    done(chief, "/window/queue", "/queue/window", window_id=number, title=f"{number}号窗口")


def test_who_takes_a_number_is_called_served_and_invited_to_rate(enter: Enter) -> None:
    chief, clerk = enter(CHIEF), enter(CLERK)
    window(chief, "1")
    window(chief, "2")
    taken = done(clerk, "/window/queue?window=1", "/queue/take", lane="1", ground="1")
    label = re.search(r"P\d+", taken.text)
    assert label is not None
    called = done(clerk, "/window/queue?window=1", "/queue/call")
    assert f"请{label[0]}到1窗口" in called.text
    done(clerk, "/window/queue?window=1", "/queue/serve")
    over = done(clerk, "/window/queue?window=1", "/queue/finish")
    found = re.search(r"编号([\d-]+)，评价码(\w{8})", over.text)
    assert found is not None
    visitor = enter()
    asked = visitor.send(
        visitor.open("/rate").form("/rate"), subject=found[1], code=found[2].lower()
    )
    assert "服务态度" in asked.text
    fields: dict[str, Any] = {"level": "4", "604": "5", "words": "等太久"}
    thanks = visitor.send(asked.form("/rate/send"), **fields)
    assert "谢谢您的评价" in thanks.text
    again = visitor.send(visitor.open("/rate").form("/rate"), subject=found[1], code=found[2])
    assert "已经评价过" in again.text
    assert found[2] not in str(again.url)


def test_a_priority_without_a_ground_is_refused_in_its_form(enter: Enter) -> None:
    clerk = enter(CLERK)
    page = clerk.send(form_of(clerk.open("/window/queue"), "/queue/take"), lane="1")
    assert page.status == 400
    assert "优先" in page.text


def test_who_does_not_come_is_passed_over_and_may_stand_again(enter: Enter) -> None:
    chief = enter(CHIEF)
    window(chief, "3")
    done(chief, "/window/queue?window=3", "/queue/take")
    done(chief, "/window/queue?window=3", "/queue/call")
    for _ in range(2):
        assert "过号" not in chief.open("/window/queue?window=3").text
        done(chief, "/window/queue?window=3", "/queue/again")
    done(chief, "/window/queue?window=3", "/queue/miss")
    assert "过号" in chief.open("/window/queue?window=3").text
    done(chief, "/window/queue?window=3", "/queue/back")
    done(chief, "/window/queue?window=3", "/queue/leave")


# The rota


def test_an_uncovered_slot_is_red_until_somebody_is_there(enter: Enter) -> None:
    chief = enter(CHIEF)
    fields = {"window_id": "轮值1", "title": "轮值窗口", "needs_rota": "1"}
    done(chief, "/window/queue", "/queue/window", **fields)
    day = monday(date.today()) + timedelta(days=14)
    week = f"/window/rota?week={day}"
    assert '<span class="badge bad">无人</span>' in chief.open(week).html
    done(chief, week, "/rota/post", post_id="社保", a=CLERK, b=CHIEF)
    last = day + timedelta(days=6)
    page = done(
        chief, week, "/rota/shifts", window_id="轮值1", post="社保", first=day, last=last, half="3"
    )
    assert "个班次" in page.text
    assert '<span class="badge bad">无人</span>' not in chief.open(week).html
    done(chief, week, "/rota/absence", who=CLERK, away_first=day, away_last=day)
    assert "王首席（B角）" in chief.open(week).text


# Enquiries


def test_an_enquiry_stays_with_its_owner_until_another_takes_it(enter: Enter) -> None:
    clerk, chief = enter(CLERK), enter(CHIEF)
    done(clerk, "/window/enquiries", "/enquiries/open", question="退休手续去哪办")
    page = clerk.open("/window/enquiries")
    of = form_of(page, "/enquiries/answer").value("of")
    done(clerk, "/window/enquiries", "/enquiries/offer", of, to=CHIEF)
    assert form_of(clerk.open("/window/enquiries"), "/enquiries/answer", of)
    done(chief, "/window/enquiries", "/enquiries/accept", of)
    assert "首问" not in chief.open("/window/enquiries").text
    page = done(chief, "/window/enquiries", "/enquiries/answer", of, answer="到2号窗口")
    assert "到2号窗口" in page.text


# Ratings


def test_a_bad_card_is_called_back_mended_and_closed_by_another(enter: Enter) -> None:
    clerk, chief = enter(CLERK), enter(CHIEF)
    path = "/window/ratings"
    page = done(clerk, path, "/ratings/card", subject="卡-17", handler=CLERK, level="4", named="1")
    assert "这是差评" in page.text
    refused = clerk.send(form_of(clerk.open(path), "/call-back", "卡-17"), finding="1")
    assert refused.status == 400
    assert "被评价人不得回访" in refused.text
    done(chief, path, "/call-back", "卡-17", finding="1")
    done(clerk, path, "/repair", "卡-17", words="增开窗口")
    refused = chief.send(form_of(chief.open(path), "/close", "卡-17"))
    assert refused.status == 400
    assert "实名差评回访率" in chief.open(path).text
    assert "100.0%" in chief.open(path).text


def test_the_applicant_of_a_closed_case_rates_it_from_the_page_of_its_progress(
    enter: Enter,
) -> None:
    clerk, visitor = enter(CLERK), enter()
    receipt = filed(clerk)
    number = number_on(receipt)
    code = receipt.html.split('id="query-code" class="code-large">')[1].split("<")[0]
    progress = visitor.open("/progress").form("/progress")
    assert "评价本次服务" not in visitor.send(progress, case_no=number, query_code=code).text
    case = case_id(receipt)
    form = clerk.open(f"/cases/{case}").form("/acts/withdraw")
    clerk.send(form, reason="不办了")
    page = visitor.send(
        visitor.open("/progress").form("/progress"), case_no=number, query_code=code
    )
    asked = visitor.send(page.form("/rate"))
    assert "网上办事便捷度" in asked.text
    thanks = visitor.send(asked.form("/rate/send"), level="1")
    assert "谢谢" in thanks.text


def test_a_wrong_word_does_not_say_which_was_wrong(enter: Enter) -> None:
    visitor = enter()
    page = visitor.send(visitor.open("/rate").form("/rate"), subject="20260101-0001", code="X")
    assert page.status == 400
    assert "没有找到对应的评价邀请" in page.text


# Complaints


def test_a_complaint_is_answered_by_its_owner_and_closed_by_another(enter: Enter) -> None:
    clerk, chief, head = enter(CLERK), enter(CHIEF), enter(HEAD)
    path = "/window/complaints"
    done(clerk, path, "/complaints/open", kind="3", words="态度不好", owner=CHIEF, against=CLERK)
    of = form_of(clerk.open(path), "/complaints/answer").value("of")
    assert "/complaints/extend" not in clerk.open(path).html
    done(chief, path, "/complaints/extend", of, words="需要核实")
    done(chief, path, "/complaints/answer", of, words="已致歉")
    refused = chief.send(form_of(chief.open(path), "/complaints/close", of))
    assert refused.status == 400
    done(head, path, "/complaints/close", of)
    assert "已致歉" in chief.open(path).text


# Fees


def test_a_fee_is_told_once_paid_and_then_the_result_may_be_issued(enter: Enter) -> None:
    clerk = enter(CLERK)
    receipt = filed(clerk)
    number = number_on(receipt)
    path = f"/window/fees?case={number}"
    assert "还没有核定收费" in clerk.open(path).text
    page = done(clerk, path, "/fees/assess")
    assert "本件不收费" in page.text
    assert "已缴清" in clerk.open(path).text
    at = f"/window/fees?case={case_id(receipt)}"
    assert at in clerk.open(f"/cases/{case_id(receipt)}").html
    assert "已缴清" in clerk.open(at).text
    page = clerk.open("/window/fees?case=330127101-20200101-9999")
    assert page.status == 404
    assert "没有编号为" in page.text


def test_instalments_are_reviewed_approved_and_promised_before_the_result_is_issued(
    enter: Enter,
) -> None:
    clerk, head = enter(CLERK, COUNTY), enter(HEAD, COUNTY)
    number = number_on(clerk.send(blank(clerk, "civil-air-defence-offsite"), **PERSON))
    path = f"/window/fees?case={number}"
    quantities = "防空地下室易地建设费 1 2000"
    assert "应收2,000.00 元" in done(clerk, path, "/fees/assess", quantities=quantities).text
    refused = clerk.send(form_of(clerk.open(path), "/fees/plan"), instalments="2026-12-31")
    assert "第1行" in refused.troubles["instalments"]
    days = [date.today() + timedelta(days=days) for days in (1, 200)]
    done(clerk, path, "/fees/plan", instalments="\n".join(f"{day} 1000" for day in days))
    done(clerk, path, "/fees/review")
    assert "/fees/approve" not in clerk.open(path).html
    done(head, path, "/fees/approve")
    assert "将到期" in head.open(path).text
    done(clerk, path, "/fees/pay", receipt_no="浙A001", amount_fen="1000")
    assert "不能出件" in clerk.open(path).text
    signed = {"material:分期付款承诺书": ("promise.png", picture(), "image/png")}
    done(clerk, path, "/fees/promise", files=signed)
    assert "可以出件" in clerk.open(path).text
    assert str(days[1]) in clerk.open("/window/fees").text


# Score sheets


def test_a_score_follows_from_its_evidence_899_against_900(enter: Enter) -> None:
    chief = enter(CHIEF)
    rules = "R1 900 1 服务\nR2 100 100 廉洁"
    done(
        chief,
        "/window/scores",
        "/scores/publish",
        sheet_id="十二月",
        full_score="1000",
        pass_score="900",
        rules=rules,
    )
    path = "/window/scores?sheet=十二月"
    page = done(chief, path, "/scores/prove", evidence_id="E1", rule="R2", reference="录像12")
    assert "现为900分，合格" in page.text
    page = done(chief, path, "/scores/prove", evidence_id="E2", rule="R1", reference="录像13")
    assert "现为899分，不合格" in page.text
    refused = chief.send(form_of(chief.open(path), "/scores/compare"), total="950")
    assert refused.status == 400
    page = done(chief, path, "/scores/set-aside", "E2")
    assert "现为900分，合格" in page.text


def test_rules_that_do_not_make_up_the_full_score_are_refused_with_what_was_typed(
    enter: Enter,
) -> None:
    chief = enter(CHIEF)
    form = form_of(chief.open("/window/scores"), "/scores/publish")
    page = chief.send(form, sheet_id="坏表", full_score="1000", pass_score="900", rules="R1 10 1 x")
    assert page.status == 400
    assert "满分1000分" in page.text
    assert "R1 10 1 x" in form_of(page, "/scores/publish").value("rules")


# Agents


def test_villages_without_an_agent_are_listed(enter: Enter) -> None:
    text = enter(CLERK).open("/window/coverage").text
    assert "个没有" in text
    assert "浪洞村" not in text
    assert "浪洞村" in enter(CLERK).open("/window/coverage?show=all").text


BY_AGENT = {"mandate__acts": ["1", "3"], "mandate__evidence_kind": "2"}


def test_a_mandate_is_suspended_and_revoked_from_its_list_for_every_case(enter: Enter) -> None:
    agent, clerk, chief = enter(AGENT), enter(CLERK), enter(CHIEF)
    first, second = (case_id(filed(agent, WITH_MANDATE, **BY_AGENT)) for _ in range(2))
    path = "/window/mandates"
    found = done(clerk, path, "/mandates/find", client=NUMBER.lower())
    assert NUMBER not in str(found.url)
    assert "陈**" in found.text
    assert "陈秀英" not in found.text
    of = form_of(found, "/mandates/suspend").value("of")
    refused = clerk.send(form_of(clerk.open(path), "/mandates/suspend", of), reason=" ")
    assert refused.status == 400
    told = done(clerk, path, "/mandates/suspend", of, reason="外出")
    assert "委托已中止；已记入1件在办件" in told.text
    done(clerk, path, "/mandates/resume", of, reason="回来了")
    told = done(clerk, path, "/mandates/revoke", of, reason="不再委托")
    assert "已终止" in told.text
    assert "中止" in clerk.open(f"/cases/{first}").text + clerk.open(f"/cases/{second}").text
    assert "需要核实" in chief.open(path).text
    assert "需要核实" not in clerk.open(path).text
    own = agent.open(path)
    assert "我的委托" in own.text
    assert "陈**" in own.text
    assert {form.action for form in own.forms} == {"/sign-out", "/window/mandates/find"}
    assert "陈**" not in enter(OTHER_AGENT).open(path).text


# Numbers


def test_each_number_leads_to_its_cases(enter: Enter) -> None:
    clerk = enter(CLERK)
    number = number_on(filed(clerk))
    page = clerk.open("/window/numbers")
    at = page.html.split("<td>收件</td>")[1].split('href="')[1].split('"')[0]
    listed = clerk.open(html.unescape(at))
    assert 'href="/cases/' in listed.html
    # What is not among those that are listed is said to be missing there.
    assert number in listed.text or "只列出前" in listed.text
    assert "还没有定格的月份" in page.text
    assert clerk.open("/window/numbers?first=2026-02-01&last=2026-01-01").status == 400


# What is typed


def test_money_is_typed_in_yuan() -> None:
    assert fen("1,200.50", "a") == 120_050
    assert yuan(120_050) == "1,200.50 元"
    for text in ("", "x", "1.001", "-1", "NaN", "Infinity", "1e30"):
        with pytest.raises(AmountMalformed):
            fen(text, "a")


def test_times_and_lines_are_read_or_refused_at_their_place() -> None:
    assert [minute(text, "t") for text in ("09:00", "9:30", "24:00")] == [540, 570, 1440]
    for text in ("9", "25:00", "09:60", ""):
        with pytest.raises(TimeMalformed):
            minute(text, "t")
    assert list(lines("a 1\n\n b 2 ", "x", range(2, 3))) == [["a", "1"], ["b", "2"]]
    with pytest.raises(LineMalformed) as refused:
        list(lines("a 1\nb", "x", range(2, 3)))
    assert "第2行" in str(refused.value.in_chinese())


# What people ask about their data


def asked_for(chief: Visitor, **changed: Any) -> str:
    """The number of a fresh request."""
    given = {
        "right": "1",
        "person__name": "陈秀英",
        "person__document_kind": "111",
        "person__document_number": NUMBER,
        "identity_shown": "居民身份证原件",
    }
    before = {of_copy(form) for form in chief.open("/window/personal").forms}
    page = done(chief, "/window/personal", "/personal/open", **(given | changed))
    assert "已登记，须在" in page.text
    forms = [*page.forms, *chief.open("/window/personal").forms]
    [number] = {of_copy(form) for form in forms} - before
    return number


def of_copy(form: SeenForm) -> str:
    return form.value("of") if "/window/personal/" in form.action and "of" in form.fields else ""


def file_from(who: Visitor, path: str, action: str, of: str = "", **fields: str) -> Any:
    form = form_of(who.open(path), action, of)
    sent = form.fields | {name: [value] for name, value in fields.items()}
    return who.client.post(form.action, data=sent)


def test_a_person_takes_a_copy_home_to_read_and_for_programs(enter: Enter) -> None:
    """个人信息保护法 article 45: the request is answered once the copy was made."""
    chief = enter(CHIEF)
    number = number_on(filed(chief))
    request = asked_for(chief)
    refused = chief.send(
        form_of(chief.open("/window/personal"), "/personal/grant", request), answer="已交本人"
    )
    assert (refused.status, "尚未制作个人信息副本" in refused.text) == (400, True)
    readable = file_from(chief, "/window/personal", "/personal/copy", request)
    assert readable.headers["content-disposition"].startswith("attachment")
    assert number in readable.text
    assert NUMBER in readable.text
    data = json.loads(file_from(chief, "/window/personal", "/personal/data", request).text)
    assert number in {case["case_no"] for case in data["cases"]}
    page = done(chief, "/window/personal", "/personal/grant", request, answer="已交本人")
    assert "已按请求办理" in page.text
    assert "陈秀英" not in chief.open("/window/personal").text


def test_a_case_is_not_erased_and_the_answer_names_ground_and_remedy(enter: Enter) -> None:
    chief = enter(CHIEF)
    number = number_on(filed(chief))
    request = asked_for(chief, right="3", about=number, words="不再需要")
    form = form_of(chief.open("/window/personal"), "/personal/grant", request)
    refused = chief.send(form, answer="已删除")
    assert (refused.status, "不能删除" in refused.text) == (400, True)
    page = done(
        chief, "/window/personal", "/personal/refuse", request, ground="4", answer="须归档保存"
    )
    assert "人民法院" in page.text


def test_a_request_is_refused_beside_its_field(enter: Enter) -> None:
    chief = enter(CHIEF)
    form = form_of(chief.open("/window/personal"), "/personal/open")
    page = chief.send(
        form,
        right="1",
        person__name="甲",
        person__document_number="110105194912310020",
        identity_shown="身份证",
    )
    assert page.status == 400
    assert any("person.document_number" in field for field in page.troubles)


# Tables to take home


def test_complaints_enquiries_and_ratings_are_taken_home_by_who_supervises(enter: Enter) -> None:
    chief = enter(CHIEF)
    done(chief, "/window/enquiries", "/enquiries/open", question="=1+1", asked_by="陈秀英")
    answer = file_from(chief, "/window/enquiries", "/enquiries/export", purpose="月报")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:3] == ["编号", "咨询内容", "咨询人"]
    assert ["'=1+1", "陈**"] in [row[1:3] for row in rows]
    assert "陈秀英" not in answer.text
    for page, column in (("complaints", "被投诉人"), ("ratings", "被评价人")):
        table = file_from(chief, f"/window/{page}", f"/{page}/export", purpose="月报")
        assert table.headers["content-disposition"].startswith("attachment")
        assert column in table.text.splitlines()[0]
    clerk = enter(CLERK).open("/window/enquiries")
    assert not [form for form in clerk.forms if form.action.endswith("/export")]
