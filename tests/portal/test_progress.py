"""The public page: it helps who has number and code, and tells nobody else anything."""

from __future__ import annotations

from tests.portal.applications import INCOMPLETE, case_id, filed
from tests.portal.conftest import Enter
from tests.portal.halls import AUTHORISATION, CLERK
from tests.portal.visitor import Page, Visitor


def asked(visitor: Visitor, case_no: str, query_code: str) -> Page:
    form = visitor.open("/progress").form("/progress")
    return visitor.send(form, case_no=case_no, query_code=query_code)


def of_receipt(page: Page) -> tuple[str, str]:
    number = page.html.split('id="case-no">')[1].split("<")[0]
    code = page.html.split('id="query-code" class="code-large">')[1].split("<")[0]
    return number, code


def test_an_applicant_sees_where_the_case_is(enter: Enter) -> None:
    number, code = of_receipt(filed(enter(CLERK)))
    page = asked(enter(), number, f" {code.lower()} ")
    assert page.status == 200
    assert "已收到您的申请" in page.text
    assert "已收件" in page.text
    assert "陈秀英" not in page.html


def test_an_applicant_sees_what_is_missing_and_what_to_do(enter: Enter) -> None:
    clerk = enter(CLERK)
    receipt = filed(clerk, INCOMPLETE)
    clerk.send(clerk.open(f"/cases/{case_id(receipt)}").form("/acts/notice"))
    text = asked(enter(), *of_receipt(receipt)).text
    assert "需要您补正" in text
    assert AUTHORISATION in text
    assert "怎么办" in text


def test_an_applicant_sees_the_promised_day_with_its_reasons(enter: Enter) -> None:
    clerk = enter(CLERK)
    receipt = filed(clerk)
    clerk.send(clerk.open(f"/cases/{case_id(receipt)}").form("/acts/accept"))
    text = asked(enter(), *of_receipt(receipt)).text
    assert "承诺办结日" in text
    assert "为什么是这一天" in text


def test_a_wrong_code_and_a_wrong_number_look_the_same(enter: Enter) -> None:
    number, code = of_receipt(filed(enter(CLERK)))
    visitor = enter()
    wrong_code, wrong_number = asked(visitor, number, "XXXXXXXX"), asked(visitor, "1-2-3", code)
    assert wrong_code.status == wrong_number.status == 404
    assert "没有找到相符的办件" in wrong_code.text
    assert wrong_code.text == wrong_number.text
    assert wrong_code.form("/progress").value("case_no") == number
    assert wrong_number.form("/progress").value("query_code") == code


def test_asking_needs_no_account_but_a_token(enter: Enter) -> None:
    visitor = enter()
    form = visitor.open("/progress").form("/progress")
    assert visitor.send(form, case_no="1", query_code="1", token="x").status == 403
