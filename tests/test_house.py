"""Facts about the repository that nobody has to remember."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hallnet.cli.errors import PARTS, as_markdown, every_problem
from hallnet.store.migrating import tables_of

ROOT = Path(__file__).parent.parent
ROOTS = [ROOT / "src", *sorted((ROOT / "services").iterdir())]


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    """`make proto` was run after the last change of a contract."""
    subprocess.run(["make", "--silent", "proto", f"WIRE={tmp_path}"], cwd=ROOT, check=True)
    assert generated_below(tmp_path) == generated_below(ROOT / "src")


def generated_below(root: Path) -> dict[Path, str]:
    return {
        path.relative_to(root): path.read_text()
        for path in (root / "hallnet" / "wire").rglob("*_pb2*")
        if path.suffix in (".py", ".pyi")
    }


@pytest.mark.parametrize("root", ROOTS, ids=lambda path: path.name)
def test_the_namespace_holds_no_file(root: Path) -> None:
    """A file in `hallnet/` itself would hide the other roots of the namespace."""
    assert [path.name for path in (root / "hallnet").iterdir() if path.is_file()] == []


def test_every_package_says_that_it_is_typed() -> None:
    packages = [
        path
        for root in ROOTS
        for path in (root / "hallnet").iterdir()
        if path.is_dir() and path.name not in ("wire", "__pycache__")
    ]
    assert [path.name for path in packages if not (path / "py.typed").exists()] == []


def test_the_list_of_errors_is_made_from_every_package_that_has_some() -> None:
    having = {
        path.relative_to(root / "hallnet").parts[0]
        for root in ROOTS
        for path in (root / "hallnet").rglob("*.py")
        if "(Problem):" in path.read_text(encoding="utf-8")
    }
    assert having <= set(PARTS)


def test_the_list_of_errors_is_fresh() -> None:
    """`hallnet errors --markdown > docs/errors.md` was run after the last change of a problem."""
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == as_markdown()


@pytest.mark.parametrize("service", ["intake", "exchange", "branch_sync", "notify"])
def test_no_service_names_the_tables_of_another(service: str) -> None:
    """Each service has tables of its own: nothing but its own package imports them.

    The simulation looks into all of them, as no part of a hall can, and benchmarks of what takes days fill some
    or look into them: none of these is part of a hall.
    """
    folder = ROOT / "services" / service.replace("_", "-")
    assert tables_of(f"hallnet.{service}").tables
    others = [path for root in ROOTS if root != folder for path in root.rglob("*.py")]
    named = re.compile(rf"hallnet\.{service}(\.tables| import .*\btables\b)")
    looking = [
        ROOT / "src/hallnet" / name for name in ("simulate", "bench/sync.py", "bench/outage.py")
    ]
    assert [
        str(path)
        for path in others
        if named.search(path.read_text()) and not any(path.is_relative_to(one) for one in looking)
    ] == []


@pytest.mark.parametrize(
    ("document", "at_least"), [("security.md", 60), ("law.md", 60), ("window.md", 30)]
)
def test_every_test_that_a_table_of_the_documents_names_exists(
    document: str, at_least: int
) -> None:
    text = (ROOT / "docs" / document).read_text("utf-8")
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", text))
    there = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(named) > at_least
    assert named - there == set()


@pytest.mark.parametrize(("document", "column"), [("law.md", 2), ("window.md", 2)])
def test_every_place_in_the_code_that_a_table_of_the_rules_names_exists(
    document: str, column: int
) -> None:
    """A file in backticks, and after it the functions and classes that are in one of the files of its row."""
    rows = [
        re.split(r" ?(?<!\\)\| ?", line)[1:-1]
        for line in (ROOT / "docs" / document).read_text("utf-8").splitlines()
        if line.startswith("| ") and "`test_" in line
    ]
    assert len(rows) > 20
    modules = {str(path): path.read_text("utf-8") for root in ROOTS for path in root.rglob("*.py")}
    missing = []
    for row in rows:
        named = re.findall(r"`([^`]+)`", row[column])
        texts = []
        for name in (one for one in named if one.endswith(".py")):
            found = [text for path, text in modules.items() if path.endswith(f"/{name}")]
            texts += found
            if not found:
                missing.append(name)
        missing += [
            name
            for name in named
            if not name.endswith(".py")
            and not any(
                re.search(rf"(def|class) {name}\b|^{name}\b", text, re.M)
                for text in texts or modules.values()
            )
        ]
    assert missing == []


def links() -> Iterator[tuple[Path, str]]:
    """Every link of every document to a file of the repository."""
    documents = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
    ]
    for document in documents:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                yield document, target


def test_documents_link_to_what_is_there() -> None:
    broken = [
        f"{document.name}: {target}"
        for document, target in links()
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_packages_are_pinned_by_hash_and_name_no_registry() -> None:
    for name in ("run", "demo", "development", "tools"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned = re.findall(r"^[a-z0-9].*==", text, re.MULTILINE | re.IGNORECASE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
        assert "://" not in text


def test_what_the_project_needs_to_run_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = (ROOT / "requirements" / "run.txt").read_text().lower()
    for requirement in project["dependencies"]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name is not None
        assert f"{name[0].lower()}==" in pinned or f"{name[0].lower()}[" in pinned


def test_every_problem_of_every_part_is_listed() -> None:
    """Also those that stand in a package inside a part, which nothing else may load."""
    written = {
        node.value.value: str(path.relative_to(ROOT))
        for folder in ("src/hallnet", "services")
        for path in (ROOT / folder).rglob("*.py")
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(one, ast.ClassDef)
        for node in one.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "reason"
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    listed = every_problem()
    assert len(written) > 100
    assert {reason: path for reason, path in written.items() if reason not in listed} == {}


def test_modules_of_packages_inside_a_part_are_loaded_for_the_list(tmp_path: Path) -> None:
    """In a process of its own, with a part whose inner package nothing else imports."""
    inner = tmp_path / "hallnet_part" / "inner" / "deeper"
    inner.mkdir(parents=True)
    for package in (inner.parent.parent, inner.parent, inner):
        (package / "__init__.py").touch()
    (inner / "module.py").write_text("raise SystemExit('loaded')\n")
    script = "import hallnet_part; from hallnet.cli import errors; errors.load_all(hallnet_part)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "loaded"
