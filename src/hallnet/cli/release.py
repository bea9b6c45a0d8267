"""`hallnet release`: what flows down the tree."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from hallnet.case.template import PaperTemplates
    from hallnet.node.desk import Desk
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
    from hallnet.wire.release.v1 import release_pb2 as wire_release

app = typer.Typer(
    help="Releases: catalogue, calendar, policy, texts of papers, trust.", no_args_is_help=True
)

HALLS_SHOWN = 10

Since = Annotated[
    datetime | None,
    typer.Option("--from", help="When it takes force (local time); else at once"),
]


class ReleaseKindName(StrEnum):
    """Kinds by their names on the command line."""

    CATALOGUE = "catalogue"
    CALENDAR = "calendar"
    TRUST = "trust"
    POLICY = "policy"
    TEMPLATE = "template"
    CODE_MAP = "code-map"


@app.command()
def catalogue(
    home: HomeArgument,
    file: Annotated[
        Path | None, typer.Option(help="YAML, JSON or CSV; the 45 supplied items if left out")
    ] = None,
    summary: Annotated[str, typer.Option(help="What changed, in words")] = "",
    since: Since = None,
) -> None:
    """Publish service items for this hall and all halls below."""
    from hallnet.case.item import CATALOGUE
    from hallnet.cli.item import read_items
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    items = read_items(file)
    _publish(
        home,
        wire_release.RELEASE_KIND_CATALOGUE,
        CATALOGUE.to_bytes(items),
        summary or f"{len(items.items)}个事项",
        since,
    )


@app.command()
def calendar(
    home: HomeArgument,
    file: Annotated[
        Path | None,
        typer.Option(help="YAML or JSON with the years of a new notice, beside those known"),
    ] = None,
    summary: Annotated[str, typer.Option(help="What changed, in words")] = "",
    since: Since = None,
) -> None:
    """Publish the working-day calendars that this edition of hallnet knows, and those of a file.

    Open due dates are counted anew at every hall, and applicants are told.
    """
    from hallnet.case.calendar import CALENDAR
    from hallnet.case.release_files import merged, read_calendar
    from hallnet.case.supplied_calendar import supplied_calendar
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    years = supplied_calendar()
    if file is not None:
        years = merged(years, read_calendar(file.read_text(encoding="utf-8")))
    known = f"{years.years[0].year}—{years.years[-1].year}年"
    _publish(
        home, wire_release.RELEASE_KIND_CALENDAR, CALENDAR.to_bytes(years), summary or known, since
    )


@app.command()
def policy(
    home: HomeArgument,
    file: Annotated[Path, typer.Argument(help="YAML or JSON: where places differ")],
    summary: Annotated[str, typer.Option(help="What changed, in words")] = "",
    since: Since = None,
) -> None:
    """Publish local rules for this hall and all halls below; the nearest hall's rules hold."""
    from hallnet.case.policy import POLICY
    from hallnet.case.release_files import read_policy
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    rules = read_policy(file.read_text(encoding="utf-8"))
    _publish(
        home, wire_release.RELEASE_KIND_POLICY, POLICY.to_bytes(rules), summary or "地方规则", since
    )


@app.command()
def templates(
    home: HomeArgument,
    file: Annotated[
        Path | None, typer.Argument(help="YAML: papers with their texts; the others stay built-in")
    ] = None,
    print_: Annotated[
        bool, typer.Option("--print", help="Write the built-in texts, to begin with")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would change, and publish nothing")
    ] = False,
    summary: Annotated[str, typer.Option(help="What changed, in words")] = "",
    since: Since = None,
) -> None:
    """Publish the texts of papers for this hall and all halls below; nobody edits them at a window."""
    from hallnet.case.release_files import read_templates, supplied_templates
    from hallnet.case.template import TEMPLATES, differences
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    if print_:
        typer.echo(supplied_templates(), nl=False)
        return
    if file is None:
        raise typer.BadParameter("a file, or --print", param_hint="FILE")
    texts = read_templates(file.read_text(encoding="utf-8"))
    if diff:
        for line in differences(_templates_in_force(home), texts):
            typer.echo(line)
        return
    _publish(
        home,
        wire_release.RELEASE_KIND_TEMPLATE,
        TEMPLATES.to_bytes(texts),
        summary or f"{len(texts.templates)}种文书",
        since,
    )


@app.command("list")
def list_releases(home: HomeArgument, json: Json = False) -> None:
    """Releases that a node has, the newest first."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.ListReleasesResponse:
        return await desk.branch_sync.ListReleases(wire.ListReleasesRequest())

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    print_table(
        "Releases",
        ("kind", "author", "version", "effective", "standing", "reason", "summary"),
        [
            (
                _name(item.kind),
                item.author,
                item.version,
                f"{item.effective_at.ToDatetime():%F %T}",
                wire.ReleaseStanding.Name(item.standing).removeprefix("RELEASE_STANDING_").lower(),
                item.reason,
                item.summary,
            )
            for item in answer.releases
        ],
    )


@app.command()
def withdraw(
    home: HomeArgument,
    kind: Annotated[ReleaseKindName, typer.Argument(help="What it holds")],
    version: Annotated[int, typer.Argument(help="Its version: the newest one of this hall", min=1)],
    reason: Annotated[str, typer.Option(help="Why, in words for the record")],
) -> None:
    """Take back the newest release of this hall: what was in force before is so again, at all halls below.

    Cases that run under an item version of it keep that version. A withdrawn release never comes back:
    publish the mended one anew.
    """
    from hallnet.cli.operator import ask
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.WithdrawReleaseResponse:
        return await desk.branch_sync.WithdrawRelease(
            wire.WithdrawReleaseRequest(
                request_id=str(uuid.uuid4()), kind=_number(kind), version=version, reason=reason
            )
        )

    release = ask(home, question).release
    again = f"version {release.restores} is" if release.restores else "nothing of this hall is"
    typer.echo(f"version {version} is withdrawn by version {release.version}: {again} in force")


@app.command()
def where(
    home: HomeArgument,
    kind: Annotated[ReleaseKindName | None, typer.Option(help="Only this kind")] = None,
    json: Json = False,
) -> None:
    """Which releases are in force where, at this hall and those below it; the node has to be running.

    Halls say it themselves, within minutes of a change and once a day. Those that are behind are named
    with what they have and since when they should have more; those never heard from are named too.
    """
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.ListStandingsResponse:
        request = wire.ListStandingsRequest(kind=_number(kind) if kind is not None else 0)  # type: ignore[arg-type]
        return await desk.branch_sync.ListStandings(request)

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    print_table(
        "In force",
        ("release", "halls", "behind"),
        [
            (f"{_name(one.kind)}-{one.author}-{one.version}", _some(one.halls), len(one.behind))
            for one in answer.spreads
        ],
    )
    late = [
        (
            item.hall,
            f"{_name(one.kind)}-{one.author}",
            item.version or "none",
            _moment(item.since) if item.HasField("since") else "",
            _moment(item.told_at),
        )
        for one in answer.spreads
        for item in one.behind
    ]
    if late:
        print_table("Behind", ("hall", "of", "has", "since", "heard from"), late)
    if answer.unknown:
        typer.echo(f"never heard from: {_some(answer.unknown)}")


def _some(halls: Sequence[str]) -> str:
    """How many, and the first of them."""
    more = ", ..." if len(halls) > HALLS_SHOWN else ""
    return f"{len(halls)}: {', '.join(halls[:HALLS_SHOWN])}{more}"


def _moment(stamp: Timestamp) -> str:
    return f"{stamp.ToDatetime(UTC).astimezone():%F %H:%M}"


def _number(kind: ReleaseKindName) -> wire_release.ReleaseKind.ValueType:
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    name = kind.value.replace("-", "_").upper()
    return wire_release.ReleaseKind.Value(f"RELEASE_KIND_{name}")


def _name(kind: wire_release.ReleaseKind.ValueType) -> str:
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    name = wire_release.ReleaseKind.Name(kind).removeprefix("RELEASE_KIND_")
    return name.lower().replace("_", "-")


def _templates_in_force(home: Path) -> PaperTemplates:
    """The texts that hold at a hall now; none where nobody released any."""
    from hallnet.case.template import TEMPLATES, PaperTemplates
    from hallnet.cli.operator import ask
    from hallnet.node.client import problems_raised
    from hallnet.problems import Kind, Reported
    from hallnet.trust.release import RELEASE
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire
    from hallnet.wire.release.v1 import release_pb2 as wire_release

    async def question(desk: Desk) -> PaperTemplates:
        request = wire.GetReleaseRequest(kind=wire_release.RELEASE_KIND_TEMPLATE)
        try:
            with problems_raised():
                release = (await desk.branch_sync.GetRelease(request)).release
        except Reported as refusal:
            if refusal.kind is not Kind.NOT_FOUND:
                raise
            return PaperTemplates(())
        return TEMPLATES.from_bytes(RELEASE.from_bytes(release.body).content)

    return ask(home, question)


def _publish(
    home: Path,
    kind: wire_release.ReleaseKind.ValueType,
    content: bytes,
    summary: str,
    since: datetime | None,
) -> None:
    from hallnet.cli.operator import ask
    from hallnet.codec.moments import to_timestamp
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.PublishReleaseResponse:
        return await desk.branch_sync.PublishRelease(
            wire.PublishReleaseRequest(
                request_id=str(uuid.uuid4()),
                kind=kind,
                content=content,
                summary=summary,
                effective_at=to_timestamp(since.astimezone()) if since is not None else None,
            )
        )

    release = ask(home, question).release
    typer.echo(f"version {release.version}: {release.summary}")
