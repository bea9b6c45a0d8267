"""`hallnet personal`: what people ask about the data that a hall keeps of them (个人信息保护法)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hallnet.cli.options import HomeArgument, Json

app = typer.Typer(
    help="What people ask about the data that a hall keeps of them.", no_args_is_help=True
)
Actor = Annotated[str, typer.Option("--as", help="Account of the member of staff who asks")]
Request = Annotated[str, typer.Argument(help="Number of the request")]


@app.command("list")
def list_requests(home: HomeArgument, actor: Actor, json: Json = False) -> None:
    """Requests that wait for an answer, the one due first at the top; names are masked."""
    from hallnet.case.person import masked
    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import print_json, print_table
    from hallnet.wire.window.v1 import personal_pb2 as wire_personal
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    request = wire.ListRecordsRequest(
        act=act_of(actor), kind=wire.RECORD_KIND_PERSONAL, waiting=True
    )
    answer = ask_window(home, "ListRecords", request)
    if json:
        print_json(answer)
        return
    print_table(
        "Requests about personal information",
        ("request", "right", "person", "about", "owner", "due", "overdue"),
        [
            (
                one.personal.request_no,
                wire_personal.PersonalRight.Name(one.personal.right)
                .removeprefix("PERSONAL_RIGHT_")
                .lower(),
                masked(one.personal.person.name),
                one.personal.about,
                one.personal.owner,
                one.personal.due_on,
                one.overdue,
            )
            for one in answer.records
        ],
    )


@app.command("open")
def open_request(
    home: HomeArgument,
    actor: Actor,
    right: Annotated[str, typer.Option(help="copy, correct or erase")],
    name: Annotated[str, typer.Option(help="Name of the person")],
    number: Annotated[str, typer.Option(help="Number of the identity document")],
    seen: Annotated[str, typer.Option(help="The paper by which you saw who it is")],
    document: Annotated[str, typer.Option(help="Kind of the document (GA/T 2000.156)")] = "111",
    about: Annotated[str, typer.Option(help="Case, appointment or enquiry; none for a copy")] = "",
    words: Annotated[str, typer.Option(help="What is wrong, or why it is to be erased")] = "",
) -> None:
    """Enter a request; it is yours to answer until its due date."""
    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import print_json
    from hallnet.wire.case.v1 import person_pb2 as wire_person
    from hallnet.wire.window.v1 import personal_pb2 as wire_personal
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    request = wire.OpenPersonalRequestRequest(
        act=act_of(actor),
        right=wire_personal.PersonalRight.Value(
            _named(wire_personal.PersonalRight, "PERSONAL_RIGHT_", right, "--right")
        ),
        person=wire_person.Person(name=name, document_kind=document, document_number=number),
        identity_shown=seen,
        about=about,
        words=words,
    )
    print_json(ask_window(home, "OpenPersonalRequest", request).request)


@app.command()
def copy(
    home: HomeArgument,
    request: Request,
    actor: Actor,
    out: Annotated[Path, typer.Option(help="Folder for the two files")],
) -> None:
    """Write the copy of a request: a text for the person, and the same as JSON for programs.

    Every case in it is on record as looked at.
    """
    import json

    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import to_data
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    made = ask_window(
        home,
        "MakePersonalCopy",
        wire.MakePersonalCopyRequest(act=act_of(actor), request_no=request),
    )
    out.mkdir(parents=True, exist_ok=True)
    readable, structured = out / "个人信息副本.txt", out / "个人信息副本.json"
    readable.write_text(made.text, encoding="utf-8-sig")
    data = json.dumps(to_data(made.copy), ensure_ascii=False, indent=2)
    structured.write_text(data, encoding="utf-8")
    typer.echo(f"{len(made.copy.cases)} cases: {readable}, {structured}")


@app.command()
def answer(
    home: HomeArgument,
    request: Request,
    actor: Actor,
    words: Annotated[str, typer.Option(help="What was done, or the reasons of a refusal")],
    refuse: Annotated[
        str,
        typer.Option(
            help="Refuse on this ground: not-held, confidential, found-correct, kept-by-law, "
            "not-possible, no-cause"
        ),
    ] = "",
) -> None:
    """Grant a request, or refuse it on a ground of the law; an erasure is done with the answer."""
    from hallnet.cli.operator import act_of, ask_window
    from hallnet.cli.output import print_json
    from hallnet.wire.window.v1 import personal_pb2 as wire_personal
    from hallnet.wire.window.v1 import window_service_pb2 as wire

    step = wire.StepPersonalRequestRequest(
        act=act_of(actor), request_no=request, step=wire.PERSONAL_STEP_GRANT, answer=words
    )
    if refuse:
        grounds = wire_personal.PersonalGround
        step.step = wire.PERSONAL_STEP_REFUSE
        step.ground = grounds.Value(_named(grounds, "PERSONAL_GROUND_", refuse, "--refuse"))
    print_json(ask_window(home, "StepPersonalRequest", step).request)


def _named(kind: Any, prefix: str, text: str, option: str) -> Any:
    """The name of a value of the wire; raises BadParameter."""
    known = {name.removeprefix(prefix).lower().replace("_", "-"): name for name in kind.keys()[1:]}
    if text.lower() not in known:
        raise typer.BadParameter(f"one of {', '.join(known)}", param_hint=option)
    return known[text.lower()]
