"""Every object is one that Kubernetes knows, down to the last field, in every version that is promised."""

from __future__ import annotations

import copy

import kubernetes_validate
import pytest
import yaml
from tests.deploy.manifests import MANIFESTS, Hall, Manifest, plain_objects

PROMISED = ("1.32", "1.33", "1.34", "1.35", "1.36", "1.37")


def check(manifest: Manifest, version: str) -> None:
    """Raises ValidationError; a version that the package has no schemas for is no pass."""
    assert kubernetes_validate.validate(manifest, version, strict=True) == version


def container_of(manifest: Manifest) -> Manifest:
    container: Manifest = manifest["spec"]["template"]["spec"]["containers"][0]
    return container


@pytest.mark.parametrize("version", PROMISED)
def test_every_rendered_object_is_valid(hall: Hall, version: str) -> None:
    for manifest in hall.objects:
        check(manifest, version)


@pytest.mark.parametrize("version", [PROMISED[0], PROMISED[-1]])
def test_every_plain_object_is_valid_without_kubectl(version: str) -> None:
    found = list(plain_objects())
    for _, manifest in found:
        check(manifest, version)
    assert {"exchange.yaml", "node.yaml", "links.yaml"} <= {path.name for path, _ in found}


@pytest.mark.parametrize("version", [PROMISED[0], PROMISED[-1]])
def test_a_misspelt_field_is_caught(county: Hall, version: str) -> None:
    manifest = copy.deepcopy(county.workload("intake").body)
    security = container_of(manifest)["securityContext"]
    security["readOnlyRootFileSystem"] = security.pop("readOnlyRootFilesystem")
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        check(manifest, version)


def test_a_misspelt_field_of_a_plain_object_is_caught() -> None:
    (manifest,) = (item for _, item in plain_objects() if item["kind"] == "StatefulSet")
    misspelt = copy.deepcopy(manifest)
    container_of(misspelt)["livenesProbe"] = container_of(misspelt).pop("livenessProbe")
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        check(misspelt, PROMISED[0])


def test_a_wrong_type_is_caught(township: Hall) -> None:
    manifest = copy.deepcopy(township.workload("node").body)
    manifest["spec"]["replicas"] = "one"
    with pytest.raises(kubernetes_validate.ValidationError, match="one"):
        check(manifest, PROMISED[-1])


def test_every_manifest_is_named_by_a_kustomization() -> None:
    """A file that nobody names is never applied and never checked."""
    named = {path for path, _ in plain_objects()}
    for path in MANIFESTS.rglob("kustomization.yaml"):
        patches = yaml.safe_load(path.read_text(encoding="utf-8")).get("patches", ())
        named |= {path.parent / patch["path"] for patch in patches}
    files = {path for path in MANIFESTS.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert files == named
