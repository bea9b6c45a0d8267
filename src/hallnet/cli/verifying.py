"""Saying what was found in a bundle or an archive, so that a lawyer can read it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hallnet.case.case import CHINA, read_history
from hallnet.case.event import EVENT
from hallnet.cli.explaining import Subject, explained
from hallnet.cli.operator import write_journal
from hallnet.codec import parse
from hallnet.node.home import Home
from hallnet.node.rootkeys import read_root
from hallnet.problems import Problem
from hallnet.trust import recovery
from hallnet.trust.archive import MAGIC, ArchiveReport, read_parts, verify_archive
from hallnet.trust.bundle import Exhibit, Report, verify_bundle
from hallnet.trust.certificate import Certificate
from hallnet.wire.case.v1 import case_event_pb2 as wire

MISSING_SHOWN = 20


def verified_file(file: Path, root: Path | Certificate) -> dict[str, Any]:
    """The findings in a bundle, an archive or a recovery report, and what they mean."""
    with file.open("rb") as opened:
        start = opened.read(len(MAGIC))
    certificate = read_root(root) if isinstance(root, Path) else root
    if start == MAGIC:
        return _verified_archive(file, certificate)
    if start.startswith(recovery.MAGIC):
        with file.open("rb") as opened:
            found = recovery.verify_recovery(recovery.read_parts(opened), certificate)
        return _with_meaning(describe_recovery(found), Subject.RECOVERY, certificate)
    found_in_bundle = verify_bundle(file.read_bytes(), certificate)
    return _with_meaning(describe(found_in_bundle), Subject.BUNDLE, certificate)


def verified_node(home: Path, root: Path | None) -> dict[str, Any]:
    """The findings in the whole journal of a running node, which is read entry by entry."""
    certificate = read_root(root) if root else Home(home).root()
    with tempfile.TemporaryDirectory(prefix="hallnet-") as folder:
        file = Path(folder) / "journal"
        write_journal(home, file)
        return _verified_archive(file, certificate)


def _verified_archive(file: Path, root: Certificate) -> dict[str, Any]:
    with file.open("rb") as opened:
        found = verify_archive(read_parts(opened), root)
    return _with_meaning(describe_archive(found), Subject.ARCHIVE, root)


def _with_meaning(described: dict[str, Any], subject: Subject, root: Certificate) -> dict[str, Any]:
    """Beside the findings, for programs in both languages, what they mean to who has to rely on them."""
    meaning = explained(subject, described["holds"], root)
    return described | {"explanation": {"zh": list(meaning.zh), "en": list(meaning.en)}}


def describe_archive(report: ArchiveReport) -> dict[str, Any]:
    """The findings as lines for people and as data for programs."""
    counts = {kind.name.lower(): count for kind, count in sorted(report.counts.items())}
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    lines = [
        f"Journal of {report.address} ({report.name or 'signer unknown'}), "
        f"entries {report.start:,} to {report.end - 1:,}",
        f"Root of trust: division {report.root_subject or '(country)'}",
        f"Signed by {report.address} at {_time(report.signed_at)}",
    ]
    if report.problem is not None:
        lines.append(f"✗ {report.problem.reason}: {report.problem.in_english()}")
    else:
        lines.append(f"✓ every entry leads to the signed head: {told}")
        lines += [
            f"  the entries {_places(gap)} are not here: the hall lost them with its records and said so in "
            f"entry {gap.stop:,}"
            for gap in report.gaps
        ]
        lines.append(
            f"✓ witnessed by {report.witness} up to entry {report.witnessed - 1:,}: what stands there "
            "was neither changed nor removed since"
            if report.witness is not None
            else "  no other hall witnessed a head within it"
        )
    lines.append("VALID: every proof holds" if report.holds else "NOT VALID: see the line marked ✗")
    return {
        "holds": report.holds,
        "address": str(report.address),
        "start": report.start,
        "end": report.end,
        "signed_at": report.signed_at.isoformat(),
        "entries": counts,
        "gaps": [{"start": gap.start, "end": gap.stop} for gap in report.gaps],
        "witness": str(report.witness or ""),
        "witnessed": report.witnessed,
        "reason": _reason(report.problem),
        "lines": lines,
    }


def describe_recovery(report: recovery.RecoveryReport) -> dict[str, Any]:
    """The findings as lines for people and as data for programs."""
    counts = {kind.name.lower(): count for kind, count in sorted(report.counts.items())}
    lost, back = len(report.places), sum(counts.values())
    lines = [
        f"{report.address} lost the entries {_places(report.places)} of its journal, noticed "
        f"{_time(report.found_at)}"
    ]
    if report.problem is not None:
        lines.append(f"✗ {report.problem.reason}: {report.problem.in_english()}")
    else:
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"
        lines.append(
            f"✓ {back:,} of {lost:,} entries came back, each under a head that it had signed: {told}; "
            f"of {report.with_content:,} envelopes the content too"
        )
        lines += [f"  missing: {_places(places)}" for places in report.missing[:MISSING_SHOWN]]
        rest = report.missing[MISSING_SHOWN:]
        if rest:
            lines.append(f"  missing: {sum(map(len, rest)):,} more in {len(rest):,} places")
    lines.append("Nobody vouches for the following but the hall itself:")
    lines += [_asked(asked) for asked in report.asked]
    lines.append(
        f"  it waited for its words until {_time(report.waited_until)}"
        if report.waited_until is not None
        else "  it still waits for its words"
    )
    lines.append("VALID: every proof holds" if report.holds else "NOT VALID: see the line marked ✗")
    return {
        "holds": report.holds,
        "address": str(report.address),
        "start": report.places.start,
        "end": report.places.stop,
        "found_at": report.found_at.isoformat(),
        "waited_until": report.waited_until.isoformat() if report.waited_until else "",
        "came_back": counts,
        "with_content": report.with_content,
        "missing": [{"start": places.start, "end": places.stop} for places in report.missing],
        "asked": [
            {
                "hall": asked.hall,
                "answered_at": asked.answered_at.isoformat() if asked.answered_at else "",
                "returned": asked.returned,
                "refused": asked.refused,
            }
            for asked in report.asked
        ],
        "reason": _reason(report.problem),
        "lines": lines,
    }


def _asked(asked: recovery.Asked) -> str:
    answer = f"answered {_time(asked.answered_at)}" if asked.answered_at else "did not answer"
    refused = f", {asked.refused:,} not believed" if asked.refused else ""
    return f"  {asked.hall} {answer}: {asked.returned:,} came back{refused}"


def _places(places: range) -> str:
    if len(places) == 1:
        return f"{places.start:,}"
    return f"{places.start:,} to {places.stop - 1:,}"


def describe(report: Report) -> dict[str, Any]:
    """The findings as lines for people and as data for programs.

    `holds` is true only if the seal, every exhibit and the history of the case hold.
    """
    exhibits = [_exhibit(item) for item in report.exhibits]
    history, history_problem = _history(report)
    lines = [
        f"Case {report.subject}, exported by {report.exported_by} at {_time(report.exported_at)}",
        f"Root of trust: division {report.root_subject or '(country)'}",
    ]
    if report.seal_problem is not None:
        lines.append(f"✗ seal of the bundle: {report.seal_problem.in_english()}")
    lines += [line for exhibit in exhibits for line in exhibit["lines"]]
    lines += history
    if history_problem is not None:
        lines.append(f"✗ history of the case: {history_problem.in_english()}")
    holds = report.holds and history_problem is None
    lines.append("VALID: every proof holds" if holds else "NOT VALID: see the lines marked ✗")
    return {
        "holds": holds,
        "subject": report.subject,
        "exported_by": report.exported_by,
        "exported_at": report.exported_at.isoformat(),
        "seal": _reason(report.seal_problem),
        "history": _reason(history_problem),
        "exhibits": [{k: v for k, v in item.items() if k != "lines"} for item in exhibits],
        "lines": lines,
    }


def _exhibit(item: Exhibit) -> dict[str, Any]:
    if item.problem is not None or item.header is None:
        assert item.problem is not None
        text = f"✗ exhibit {item.number}: {item.problem.reason}: {item.problem.in_english()}"
        return {
            "number": item.number,
            "holds": False,
            "reason": item.problem.reason,
            "lines": [text],
        }
    header = item.header
    assert item.signed_at is not None
    lines = [
        f"✓ exhibit {item.number}: {header.sender} ({item.sender_name}) → {header.recipient}, "
        f"{header.kind}, entry {item.leaf_index} of the sender's journal, "
        f"signed {_time(item.signed_at)}"
    ]
    if item.content is None:
        lines.append("    its content was erased after its retention; that it was sent is proved")
    verdict = None
    if item.receipt is not None:
        verdict = item.receipt.verdict.name.lower()
        lines.append(
            f"    receipt of {item.receipt.issuer}: {verdict} {item.receipt.reason} "
            f"at {_time(item.receipt.at)}".replace("  ", " ")
        )
    witnesses = sorted(str(hall) for hall in item.witnesses)
    if witnesses:
        lines.append(f"    its place in the journal was witnessed by {', '.join(witnesses)}")
    return {
        "number": item.number,
        "holds": True,
        "sender": str(header.sender),
        "recipient": str(header.recipient),
        "kind": header.kind,
        "signed_at": item.signed_at.isoformat(),
        "leaf_index": item.leaf_index,
        "content_erased": item.content is None,
        "verdict": verdict,
        "witnesses": witnesses,
        "lines": lines,
    }


def _events(report: Report) -> dict[int, bytes]:
    """What the exhibits carry, by its place; raises MessageMalformed if a hall wrote what is no event."""
    events: dict[int, bytes] = {}
    for item in report.exhibits:
        if item.content is None or item.header is None or item.header.kind != "case.events":
            continue
        for raw in parse(wire.CaseEvents, item.content.payload).events:
            event = EVENT.from_bytes(raw)
            # A hall speaks only for itself: events count only from their author.
            if event.author == item.header.sender:
                events.setdefault(event.sequence, raw)
    return events


def _history(report: Report) -> tuple[list[str], Problem | None]:
    """The events that the exhibits carry, folded: each by the hall that had the say."""
    lines: list[str] = []
    try:
        events = _events(report)
    except Problem as problem:
        return lines, problem
    ordered = [events[number] for number in sorted(events)]
    for raw in ordered:
        event = EVENT.from_bytes(raw)
        lines.append(
            f"    {event.sequence:>3}. {_time(event.at)} {event.author}: "
            f"{type(event.fact).__name__} by {event.actor.name or event.actor.actor_id}"
        )
    try:
        read_history(ordered)
    except Problem as problem:
        return lines, problem
    return lines, None


def _time(moment: Any) -> str:
    return str(moment.astimezone(CHINA).strftime("%F %T %z"))


def _reason(problem: Problem | None) -> str:
    return problem.reason if problem is not None else ""
