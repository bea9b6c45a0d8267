"""Every reason that hallnet can give, with what it means and what to do."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from hallnet.problems import Problem, all_problems

PARTS = (
    "problems",
    "places",
    "codec",
    "case",
    "trust",
    "federation",
    "window",
    "numbers",
    "store",
    "node",
    "sandbox",
    "intake",
    "exchange",
    "branch_sync",
    "notify",
    "portal",
    "assembly",
    "cli",
)


def every_problem() -> dict[str, type[Problem]]:
    """All problems of all parts; each part's modules are loaded for it."""
    for part in PARTS:
        load_all(importlib.import_module(f"hallnet.{part}"))
    return all_problems()


def load_all(package: ModuleType) -> None:
    """All modules of a package and of those in it."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2] not in ("__main__", "alembic", "migrations"):
            module = importlib.import_module(found.name)
            if found.ispkg:
                load_all(module)


def as_markdown() -> str:
    """The table of `docs/errors.md`."""
    lines = [
        "# Errors",
        "",
        "Made by `hallnet errors --markdown`. The reason is stable; in `{}` stand the particulars.",
        "",
        "| reason | kind | 中文 | English |",
        "|---|---|---|---|",
    ]
    for reason, problem in every_problem().items():
        chinese = f"{problem.zh}。{problem.zh_remedy}"
        english = f"{problem.en}. {problem.en_remedy}"
        lines.append(f"| `{reason}` | {problem.kind.value} | {chinese} | {english} |")
    return "\n".join(lines) + "\n"
