"""Papers that another hall has, from the desks of both: asked for, supplied, looked at, taken into the case."""

from __future__ import annotations

from typing import Any

from tests.portal.applications import PERSON, PNG, blank, case_id
from tests.portal.conftest import COUNTY, Enter
from tests.portal.halls import CHIEF, picture, until
from tests.portal.test_window_pages import done, form_of, number_on
from tests.portal.visitor import Page, SeenForm, Visitor

PENSION, REGISTER = "resident-pension-enrolment", "居民户口簿"
PAPERS = ("参保登记表", "居民身份证（申请人）", REGISTER)


def accepted(who: Visitor, *papers: str) -> Page:
    """The receipt of a case that was accepted."""
    files = {f"material:{name}": PNG for name in papers}
    receipt = who.send(blank(who, PENSION), files, **PERSON)
    assert receipt.url.path.endswith("/receipt"), receipt.text
    case = who.open(f"/cases/{case_id(receipt)}")
    assert who.send(case.form("/acts/accept")).status == 200
    return receipt


def waiting(who: Visitor, path: str, action: str) -> tuple[Page, SeenForm]:
    """The page as soon as it has the form of a deed."""

    def look() -> tuple[Page, SeenForm] | None:
        page = who.open(path)
        found = [form for form in page.forms if form.action.endswith(action)]
        return (page, found[-1]) if found else None

    return until(look)


def requested(who: Visitor, path: str, **changed: Any) -> Page:
    fields = {"paper": REGISTER, "hall": "淳安县", "purpose": "核对户籍"} | changed
    return who.send(form_of(who.open(path), "/papers/ask"), **fields)


def test_a_paper_that_the_county_has_is_asked_for_supplied_and_taken_into_the_case(
    enter: Enter,
) -> None:
    county, township = enter(CHIEF, COUNTY), enter(CHIEF)
    accepted(county, *PAPERS)
    receipt = accepted(township, *PAPERS[:2])
    case = case_id(receipt)
    assert f"/window/papers?case={case}" in township.open(f"/cases/{case}").html
    path = f"/window/papers?case={number_on(receipt)}"
    told = requested(township, path)
    assert "申请人将收到通知" in told.text, told.text
    assert "陈*英" not in told.text

    def at_county() -> str | None:
        page = county.open("/window/papers")
        found = page.html.split("/window/papers?request=")[1:]
        return found[-1].split('"')[0] if found else None

    request_no = until(at_county)
    page, form = waiting(county, f"/window/papers?request={request_no}", "/papers/supply")
    assert "核对户籍" in page.text
    answered = county.send(form)
    assert "已提供" in answered.text

    _, take = waiting(township, path, "/papers/take")
    page = township.open(path)
    link = page.html.split(f"/cases/{case}/materials/")[1].split('"')[0]
    seen = township.client.get(f"/cases/{case}/materials/{link}")
    assert seen.content == PNG[1]
    taken = township.send(take)
    assert taken.status == 200
    assert not [form for form in township.open(path).forms if form.action.endswith("/take")]
    case_page = township.open(f"/cases/{case}")
    assert "由淳安县提供" in case_page.text
    assert "从其他大厅调取材料" in case_page.text

    done(township, path, "/papers/doubt", words="登记表上出生日期不同")
    one = f"/window/papers?request={request_no}"
    waiting(county, one, "/papers/confirm")
    better = {"material:提供的材料": ("better.png", picture(7), "image/png")}
    done(county, one, "/papers/archive", files=better, source="户籍档案1998-3")
    _, take = waiting(township, path, "/papers/take")
    assert township.send(take).status == 200
    assert not [form for form in township.open(path).forms if form.action.endswith("/take")]


def test_a_request_is_refused_beside_its_field_and_one_that_lacks_something_is_completed(
    enter: Enter,
) -> None:
    county, township = enter(CHIEF, COUNTY), enter(CHIEF)
    case = case_id(accepted(township, *PAPERS[:2]))
    path = f"/window/papers?case={case}"
    refused = requested(township, path, hall="无此地", basis=" ")
    assert refused.status == 400
    assert refused.troubles
    requested(township, path, purpose="请答复是否需要补充")

    def at_county() -> str | None:
        for part in county.open("/window/papers").html.split("/window/papers?request=")[1:]:
            number = part.split('"')[0]
            if "请答复是否需要补充" in county.open(f"/window/papers?request={number}").text:
                return number
        return None

    one = f"/window/papers?request={until(at_county)}"
    done(county, one, "/papers/lacking", words="请注明户主")
    page, complete = waiting(township, path, "/papers/complete")
    assert "请注明户主" in page.text
    assert township.send(complete, words="户主陈某").status == 200
    waiting(county, one, "/papers/refuse")
    done(county, one, "/papers/refuse", ground="1", words="查无登记")
    until(lambda: "查无登记" in township.open(path).text or None)
    assert "本厅没有该材料" in township.open(path).text
