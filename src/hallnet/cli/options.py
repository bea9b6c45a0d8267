"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HomeArgument = Annotated[Path, typer.Argument(help="Home folder of the node")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document")]
SUITE_HELP = "1: Ed25519, SHA-256, AES-256-GCM; 2: SM2, SM3, SM4-GCM"
PassphraseFile = Annotated[
    Path | None, typer.Option(help="File with the passphrase in its first line; else it is asked")
]
