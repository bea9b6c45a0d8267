"""The commands of the README, run as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from base64 import b64decode
from pathlib import Path

import yaml
from tests.deploy.manifests import MANIFESTS, Given, kubectl

GIVING = "create configmap hallnet-trust --from-file=$hall/trust\n"
"""Stands in the block that gives the cluster the files of a home."""
# Objects are printed instead of sent; what is only applied stands in the overlay.
_NO_CLUSTER = """
set -eu
kubectl() {
  case " $* " in
    *" create "*) echo ---; "$KUBECTL" "$@" --dry-run=client -o yaml ;;
  esac
}
"""


def blocks() -> list[str]:
    """The blocks of shell commands."""
    text = (MANIFESTS / "README.md").read_text(encoding="utf-8")
    return [textwrap.dedent(found) for found in re.findall(r"```sh\n(.*?)```", text, re.S)]


def program_calls() -> list[list[str]]:
    """The calls of `hallnet`, up to a redirection."""
    text = "".join(blocks()).replace("\\\n", " ")
    found = re.findall(r"(?:^ *|-- +)(hallnet [^<>|&\n]*)", text, re.M)
    return [shlex.split(line) for line in found]


def given_to_the_cluster(home: Path) -> Given:
    """The Secrets and ConfigMaps that the README has made of the files of a home."""
    (block,) = (item for item in blocks() if GIVING in item)
    program = kubectl()
    assert program is not None
    done = subprocess.run(
        ["sh", "-c", f"hall={home.name}\n{_NO_CLUSTER}{block}"],
        env={"PATH": "/usr/bin:/bin", "KUBECTL": program},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: Given = {}
    for item in yaml.safe_load_all(done.stdout):
        assert item["metadata"]["namespace"] == f"hallnet-{home.name}"
        encoded = item.get("binaryData", {})
        encoded |= item["data"] if item["kind"] == "Secret" else {}
        files = {name: b64decode(data) for name, data in encoded.items()}
        if item["kind"] == "ConfigMap":
            files |= {name: text.encode() for name, text in item.get("data", {}).items()}
        found[item["metadata"]["name"]] = files
    return found
