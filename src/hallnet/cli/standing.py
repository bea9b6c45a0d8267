"""`hallnet node status`: how a running node stands, and what an operator has to look after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from hallnet.node.desk import Desk
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

MATERIALS_SHOWN = 20
MEGABYTE = 1024 * 1024

app = typer.Typer()


@app.command()
def status(home: HomeArgument, json: Json = False) -> None:
    """How a running node stands: links, backlogs, journal, trust, room, materials on their way."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, to_data
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    async def question(desk: Desk) -> tuple[wire.GetStatusResponse, wire.ListAttachmentsResponse]:
        return (
            await desk.exchange.GetStatus(wire.GetStatusRequest()),
            await desk.exchange.ListAttachments(wire.ListAttachmentsRequest(limit=MATERIALS_SHOWN)),
        )

    answer, materials = ask(home, question)
    if json:
        print_json({**to_data(answer), **to_data(materials)})
        return
    _show_links(answer)
    _show_records(answer)
    _show_materials(answer.attachments_under_way, materials)
    _show_moves(answer)
    for warning in warnings(answer):
        typer.secho(warning, fg="red", err=True)


def _show_links(answer: wire.GetStatusResponse) -> None:
    from hallnet.cli.output import print_table
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    print_table(
        f"{answer.address} {answer.name}",
        ("link", "role", "up", "waiting", "oldest", "heard", "skew ms"),
        [
            (
                link.neighbour,
                wire.LinkRole.Name(link.role).removeprefix("LINK_ROLE_").lower(),
                "yes" if link.up else f"no ({link.failures} failures)",
                link.waiting,
                _age(link.oldest_waiting_since.ToDatetime(UTC))
                if link.HasField("oldest_waiting_since")
                else "",
                _age(link.heard_at.ToDatetime(UTC)) if link.HasField("heard_at") else "never",
                link.clock_skew_ms,
            )
            for link in answer.links
        ],
    )


def _show_records(answer: wire.GetStatusResponse) -> None:
    typer.echo(
        f"journal {answer.journal_size} entries, {answer.witnessed_size} of them witnessed; undelivered {answer.undelivered}, "
        f"incidents {answer.incidents}, trust version {answer.trust_version} "
        f"({answer.believed_halls} halls)"
    )
    typer.echo(_disk(answer))
    uses = [
        f"suite {use.suite} {'allowed' if use.allowed else 'not allowed'} ({use.halls} halls)"
        for use in answer.suites
    ]
    typer.echo(f"this hall has suite {answer.suite}; {', '.join(uses)}")


def _show_materials(under_way: int, materials: wire.ListAttachmentsResponse) -> None:
    from hallnet.cli.output import print_table
    from hallnet.wire.exchange.v1 import exchange_service_pb2 as wire

    if not materials.attachments:
        return
    print_table(
        f"materials on their way: {under_way}",
        ("", "hall", "material", "done", "bytes"),
        [
            (
                "to" if item.direction == wire.ATTACHMENT_DIRECTION_SENT else "from",
                item.hall,
                item.attachment.digest.hex()[:16],
                f"{100 * item.done // max(item.attachment.size, 1)} %",
                f"{item.attachment.size:,}",
            )
            for item in materials.attachments
        ],
    )


def _show_moves(answer: wire.GetStatusResponse) -> None:
    for move in answer.planned_moves:
        when = f"{move.effective_at.ToDatetime(UTC).astimezone():%F %H:%M}"
        typer.echo(
            f"{move.predecessor} goes on as {move.successor} from {when} on, if it is closed by then"
        )


def warnings(answer: wire.GetStatusResponse) -> list[str]:
    """What an operator has to look after."""
    soft = f"{answer.trust_soft_expires_at.ToDatetime(UTC).astimezone():%F %H:%M}"
    hard = f"{answer.trust_hard_expires_at.ToDatetime(UTC).astimezone():%F %H:%M}"
    found = {
        # By number: this module loads what is generated only when a command runs.
        2: [
            f"the trust data are old since {soft}; from {hard} on no results are issued: "
            "restore the link to the hall above"
        ],
        3: [
            f"the trust data expired at {hard}: cases are taken in and queued, and no results are "
            "issued until the link to the hall above is restored"
        ],
    }.get(answer.trust_freshness, [])
    if not answer.journal_sure:
        found.append(_why_nothing_is_sent(answer))
    found += [
        f"this hall could not reach the hall above it on {number.began_at.ToDatetime(UTC).astimezone():%F %H:%M}: "
        f"its journal went on from entry {number.start} under the number {number.number}"
        + (
            f"; the entries {number.start} to {number.lost_end - 1} under the number before are lost"
            if number.lost_end
            else ""
        )
        for number in answer.journal_numbers
        if number.lost_end or answer.journal_numbers[-1] == number
    ]
    found += [
        f"{move.predecessor} was to go on as {move.successor} from "
        f"{move.effective_at.ToDatetime(UTC).astimezone():%F %H:%M} on and is not closed: the move is held until it is "
        "(hallnet hall close there), or take it back with --withdraw"
        for move in answer.planned_moves
        if move.held
    ]
    found += [
        f"the records of this hall were old on {gap.found_at.ToDatetime(UTC).astimezone():%F %H:%M}: the "
        f"entries {gap.start} to {gap.end - 1} of its journal are lost; what came back of them: hallnet node recovery"
        for gap in answer.journal_gaps
    ]
    return found + [
        f"the clock of {link.neighbour} is {link.clock_skew_ms / 1000:+.0f} s away from ours: "
        "check the time source of both"
        for link in answer.links
        if link.clock_skewed
    ]


def _why_nothing_is_sent(answer: wire.GetStatusResponse) -> str:
    """For whom a hall that was started waits, since when, and how long at most."""
    text = (
        "nothing is sent or taken yet: the neighbours have not said where this hall's journal ends"
    )
    if not answer.HasField("journal_asked_since"):
        return text
    since = f"{answer.journal_asked_since.ToDatetime(UTC).astimezone():%F %H:%M}"
    silent = ", ".join(answer.journal_silent) or "nobody"
    spoken = ", ".join(
        link.neighbour for link in answer.links if link.neighbour not in answer.journal_silent
    )
    text += f"; asked since {since}, silent: {silent}; answered: {spoken or 'nobody'}"
    if not answer.HasField("journal_alone_at"):
        return text
    alone = f"{answer.journal_alone_at.ToDatetime(UTC).astimezone():%F %H:%M}"
    return (
        f"{text}. From {alone} on it goes on without the hall above, under a new number of its journal, if a "
        "hall below answers: restore the link to the hall above"
    )


def _disk(answer: wire.GetStatusResponse) -> str:
    if not answer.free_bytes and not answer.free_bytes_min:
        return "the disk of the records is not looked at"
    free, kept = answer.free_bytes // MEGABYTE, answer.free_bytes_min // MEGABYTE
    if answer.full:
        return f"FULL: {free:,} MB free on the disk, {kept:,} MB kept for cases: no materials are taken"
    return f"disk {free:,} MB free, of which {kept:,} MB are kept for cases"


def _age(moment: datetime) -> str:
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"
