"""`hallnet replica`: whether halls have all that others said about the cases they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hallnet.cli.options import HomeArgument, Json

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from hallnet.node.desk import Desk
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

app = typer.Typer(help="Cases that are shared with other halls.", no_args_is_help=True)


@app.command("list")
def list_replicas(home: HomeArgument, json: Json = False) -> None:
    """The halls with which a node shares cases, and since when it is sure to have all they said."""
    from hallnet.cli.operator import ask
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.ListReplicasResponse:
        return await desk.branch_sync.ListReplicas(wire.ListReplicasRequest())

    answer = ask(home, question)
    if json:
        print_json(answer)
        return
    print_table(
        "Replicas",
        ("hall", "cases", "complete as of", "asked", "behind", "forgotten here"),
        [
            (
                item.hall,
                item.cases,
                _moment(item.agreed_at) if item.HasField("agreed_at") else "never shown",
                _moment(item.asked_at) if item.HasField("asked_at") else "",
                item.behind,
                item.forgotten,
            )
            for item in answer.replicas
        ],
    )


@app.command()
def compare(home: HomeArgument) -> None:
    """Have a node compare with all halls with which it shares cases, now and not once a day."""
    from hallnet.cli.operator import ask
    from hallnet.wire.branch_sync.v1 import branch_sync_service_pb2 as wire

    async def question(desk: Desk) -> wire.CompareReplicasResponse:
        return await desk.branch_sync.CompareReplicas(wire.CompareReplicasRequest())

    ask(home, question)
    typer.echo("asked; see hallnet replica list")


def _moment(moment: Timestamp) -> str:
    return f"{moment.ToDatetime():%F %T}"
