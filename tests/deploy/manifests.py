"""The manifests as Kubernetes gets them: rendered by the real kubectl, read as plain objects."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
MANIFESTS = REPOSITORY / "deploy" / "k8s"
OVERLAYS = ("county", "township")
HOME = "/home/hallnet/node"
SETTINGS = "hallnet-settings"
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")

Manifest = dict[str, Any]
Given = dict[str, dict[str, bytes]]
"""Secrets and ConfigMaps by name, with their files."""


@dataclass(frozen=True)
class Container:
    """A container, and the object it stands in."""

    owner: str
    body: Manifest

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def title(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def words(self) -> list[str]:
        """The command with its arguments."""
        return [*self.body.get("command", ()), *self.body.get("args", ())]

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.body.get("ports", ())}

    @property
    def mounts(self) -> list[Manifest]:
        return list(self.body.get("volumeMounts", ()))

    @property
    def environment(self) -> dict[str, str]:
        """The variables whose values stand in the manifest."""
        variables = self.body.get("env", ())
        return {item["name"]: item["value"] for item in variables if "value" in item}


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet, and the pod that it makes."""

    body: Manifest

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def replicas(self) -> int:
        return int(self.body["spec"]["replicas"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.body["spec"]["template"]["metadata"]["labels"])

    @property
    def component(self) -> str:
        return self.labels[COMPONENT]

    @property
    def pod(self) -> Manifest:
        pod: Manifest = self.body["spec"]["template"]["spec"]
        return pod

    @property
    def containers(self) -> list[Container]:
        lists = (self.pod.get("initContainers", ()), self.pod["containers"])
        return [Container(self.name, body) for bodies in lists for body in bodies]

    @property
    def volumes(self) -> dict[str, Manifest]:
        """Volumes by name; what a claim template makes is a volume, too."""
        claims = self.body["spec"].get("volumeClaimTemplates", ())
        found: dict[str, Manifest] = {
            claim["metadata"]["name"]: {"persistentVolumeClaim": {}} for claim in claims
        }
        return found | {volume["name"]: volume for volume in self.pod.get("volumes", ())}

    def seen_by(self, container: Container, given: Given) -> dict[str, bytes]:
        """Every file that is mounted into a container, by its path."""
        found: dict[str, bytes] = {}
        for mount in container.mounts:
            files = files_of(self.volumes[mount["name"]], given)
            if "subPath" in mount:
                found[mount["mountPath"]] = files[mount["subPath"]]
            else:
                found |= {f"{mount['mountPath']}/{name}": data for name, data in files.items()}
        return found


@dataclass(frozen=True)
class Hall:
    """All objects of an overlay."""

    overlay: str
    objects: tuple[Manifest, ...]

    def of_kind(self, *kinds: str) -> list[Manifest]:
        return [item for item in self.objects if item["kind"] in kinds]

    @property
    def workloads(self) -> list[Workload]:
        return [Workload(item) for item in self.of_kind("Deployment", "StatefulSet")]

    @property
    def containers(self) -> list[Container]:
        return [container for workload in self.workloads for container in workload.containers]

    @property
    def services(self) -> dict[str, Manifest]:
        return {item["metadata"]["name"]: item["spec"] for item in self.of_kind("Service")}

    @property
    def policies(self) -> dict[str, Manifest]:
        return {item["metadata"]["name"]: item["spec"] for item in self.of_kind("NetworkPolicy")}

    @property
    def config_maps(self) -> dict[str, dict[str, bytes]]:
        """The ConfigMaps of the overlay, with their files."""
        return {
            item["metadata"]["name"]: {name: text.encode() for name, text in item["data"].items()}
            for item in self.of_kind("ConfigMap")
        }

    @property
    def settings_file(self) -> str:
        """The text of hallnet.toml."""
        (found,) = (files for name, files in self.config_maps.items() if name.startswith(SETTINGS))
        return found["hallnet.toml"].decode()

    def workload(self, component: str) -> Workload:
        (found,) = (item for item in self.workloads if item.component == component)
        return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what bears these labels."""
    equal = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in equal.items()):
        return False
    for rule in selector.get("matchExpressions", ()):
        if rule["operator"] != "In":
            raise NotImplementedError(rule["operator"])
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True


def sources_of(volume: Manifest) -> list[tuple[str, Manifest]]:
    """The Secrets and ConfigMaps of a volume, each by name with how it is used."""
    found: list[tuple[str, Manifest]] = []
    for source in volume.get("projected", {}).get("sources", [volume]):
        if "secret" in source:
            secret = source["secret"]
            found.append((secret.get("secretName") or secret["name"], secret))
        if "configMap" in source:
            found.append((source["configMap"]["name"], source["configMap"]))
    return found


def files_of(volume: Manifest, given: Given) -> dict[str, bytes]:
    """What a kubelet would put into a volume; raises KeyError where it would not start the pod."""
    found: dict[str, bytes] = {}
    for name, use in sources_of(volume):
        if use.get("optional") and name not in given:
            continue
        files = given[name]
        chosen = {item["key"]: item["path"] for item in use.get("items", ())}
        if use.get("optional"):
            chosen = {key: path for key, path in chosen.items() if key in files}
        elif not chosen:
            chosen = {key: key for key in files}
        found |= {path: files[key] for key, path in chosen.items()}
    return found


@cache
def kubectl() -> str | None:
    return shutil.which("kubectl")


@cache
def rendered(overlay: str) -> Hall:
    """What `kubectl apply --kustomize` would send."""
    program = kubectl()
    assert program is not None
    done = subprocess.run(
        [program, "kustomize", str(MANIFESTS / "overlays" / overlay)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return Hall(overlay, tuple(yaml.safe_load_all(done.stdout)))


def plain_objects() -> Iterator[tuple[Path, Manifest]]:
    """The objects that the kustomizations name, as they stand in their files."""
    for kustomization in sorted(MANIFESTS.rglob("kustomization.yaml")):
        for name in yaml.safe_load(kustomization.read_text(encoding="utf-8")).get("resources", ()):
            path = kustomization.parent / name
            if path.is_file():
                for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                    yield path, manifest
