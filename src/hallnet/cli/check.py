"""`hallnet check`: whether a code is right, and if not, what exactly is wrong."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from hallnet.cli.options import Json


class CodeKind(StrEnum):
    """What kind of code."""

    IDENTITY = "id"
    CREDIT = "uscc"
    CERTIFICATE = "certificate"
    DIVISION = "division"


def check(
    kind: Annotated[
        CodeKind, typer.Argument(help="Identity number, credit code, certificate, division")
    ],
    value: Annotated[str, typer.Argument(help="As it is written on the document")],
    json: Json = False,
) -> None:
    """Whether a code is right, and if not, what exactly is wrong. Exit code 0 if it is, 2 if it is not.

    Identity numbers by GB 11643, unified social credit codes by GB 32100, identifiers of electronic
    certificates by ISO/IEC 7064 MOD 37,36, divisions by GB/T 2260 and GB/T 10114 and the register.
    """
    from hallnet.cli.language import in_users_language
    from hallnet.cli.output import print_json
    from hallnet.problems import Problem

    document: dict[str, Any] = {"kind": kind.value, "value": value}
    try:
        document |= {"valid": True, **_facts(kind, value)}
        text = "：".join(str(document[name]) for name in ("value", "name") if name in document)
    except Problem as problem:
        document |= {
            "valid": False,
            "reason": problem.reason,
            "details": problem.particulars,
            "zh": problem.in_chinese(),
            "en": problem.in_english(),
        }
        text = in_users_language(problem)
    if json:
        print_json(document)
    else:
        typer.echo(f"{'✓' if document['valid'] else '✗'} {text}")
    sys.exit(0 if document["valid"] else 2)


def _facts(kind: CodeKind, value: str) -> dict[str, Any]:
    """What a right code says; raises a Problem."""
    from hallnet.case import codes
    from hallnet.places import divisions

    if kind is CodeKind.IDENTITY:
        codes.require_identity_number(value, "value")
        born = f"{value[6:10]}-{value[10:12]}-{value[12:14]}"
        return {"born": born, "sex": "男" if int(value[16]) % 2 else "女"}
    if kind is CodeKind.CREDIT:
        codes.require_credit_code(value, "value")
        return {"registrar": codes.REGISTRARS[value[0]], "division": value[2:8]}
    if kind is CodeKind.CERTIFICATE:
        codes.require_certificate_id(value, "value")
        return {}
    codes.require_division_code(value, "value")
    return {"name": divisions().name(value), "full_name": divisions().full_name(value)}
