"""Every reason that hallnet can give, with what it means and what to do."""

from __future__ import annotations

import importlib
import pkgutil

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
        package = importlib.import_module(f"hallnet.{part}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", ".alembic", ".migrations")):
                importlib.import_module(module.name)
    return all_problems()


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
