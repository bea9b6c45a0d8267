"""Calendars, policies and texts of papers as files: the JSON forms of their messages, written as YAML or JSON."""

from __future__ import annotations

import yaml

from hallnet.case.calendar import CALENDAR, WorkingCalendar
from hallnet.case.policy import POLICY, Policy
from hallnet.case.problems import CalendarMalformed, PolicyMalformed, TemplateMalformed
from hallnet.case.template import BUILT_IN, TEMPLATES, PaperTemplates, require_templates
from hallnet.case.written import read_written
from hallnet.codec import MessageMalformed
from hallnet.wire.case.v1 import calendar_pb2 as wire_calendar
from hallnet.wire.case.v1 import policy_pb2 as wire_policy
from hallnet.wire.case.v1 import template_pb2 as wire_template


def read_calendar(text: str) -> WorkingCalendar:
    """Published years, each with the days on which the rule of the week does not hold.

    Raises CalendarMalformed: no calendar, a year twice, or a day that is not of its year.
    """
    found = read_written(text, wire_calendar.WorkingCalendar(), CALENDAR, CalendarMalformed)
    years = [year.year for year in found.years]
    for year in found.years:
        foreign = [day.date for day in year.exceptions if day.date.year != year.year]
        if foreign or years.count(year.year) > 1:
            detail = f"{year.year} {foreign[0] if foreign else ''}".strip()
            raise CalendarMalformed("calendar.years", detail=detail)
    return found


def merged(known: WorkingCalendar, newer: WorkingCalendar) -> WorkingCalendar:
    """The years of both; of a year that both have, the newer."""
    years = {year.year: year for year in known.years} | {year.year: year for year in newer.years}
    return WorkingCalendar(tuple(years[number] for number in sorted(years)))


def read_policy(text: str) -> Policy:
    """Raises PolicyMalformed."""
    return read_written(text, wire_policy.Policy(), POLICY, PolicyMalformed)


def read_templates(text: str) -> PaperTemplates:
    """Names of papers, each with its text; raises TemplateMalformed."""
    try:
        papers = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TemplateMalformed("file", paper="", detail=str(error)[:300]) from error
    if not isinstance(papers, dict):
        raise TemplateMalformed("file", paper="", detail="mapping")
    known = wire_template.PaperKind.keys()
    message = wire_template.PaperTemplates()
    for name, written in papers.items():
        if f"PAPER_KIND_{name}" not in known or not isinstance(written, str):
            raise TemplateMalformed("file", paper=str(name)[:40], detail="没有这种文书")
        paper = wire_template.PaperKind.Value(f"PAPER_KIND_{name}")
        message.templates.add(paper=paper, text=written.strip())
    try:
        return require_templates(TEMPLATES.from_message(message))
    except MessageMalformed as error:
        raise TemplateMalformed("file", paper="", detail=error.where) from error


def supplied_templates() -> str:
    """The built-in texts as a file to begin with."""
    papers = {paper.name: text for paper, text in BUILT_IN.items()}
    return yaml.safe_dump(papers, allow_unicode=True, sort_keys=False, width=10_000)
