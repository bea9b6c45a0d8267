"""Pods of the manifests as processes of this machine: what a kubelet would do, with an address for each pod.

Files are laid out as the manifests mount them and commands run as they stand there, with the folder of
the pod in front of each path. A pod has an address of its own on the loopback network, so that every
port is the one in the manifests; names and 0.0.0.0 are replaced by that address in the settings.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.manifests import HOME, Hall, Workload, selects

from hallnet.node.settings import SETTINGS_FILE, EndpointSettings, read_settings

READY_SECONDS = 60.0
LISTENING = (7400, 4222, 8080)
PROGRAMS = str(Path(sys.executable).parent)

Secrets = Mapping[str, Mapping[str, bytes]]


def free_address() -> str:
    """An address of 127.0.0.0/8 on which nothing listens at the ports of hallnet."""
    while True:
        address = "127." + ".".join(str(random.randrange(2, 250)) for _ in range(3))
        if all(_is_free(address, port) for port in LISTENING):
            return address


def eventually(what: str, holds: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.2)


@dataclass
class Pod:
    """A pod of a workload, with its files below `folder`."""

    workload: Workload
    folder: Path
    claims: Path
    """Where volumes are that outlive the pod."""
    address: str
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    laid_out: dict[Path, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / HOME.removeprefix("/")

    def within(self, word: str) -> str:
        """A word of a command, with the folders that a pod has in front of what it names."""
        if word.startswith("/tmp/"):
            return str(self.folder / word.removeprefix("/"))
        return word.replace(HOME, str(self.home))

    def lay_out(self, hall: Hall, secrets: Secrets) -> None:
        """Make what is mounted, the outer folders first."""
        mounts = [
            mount
            for container in self.workload.containers
            for mount in container.body["volumeMounts"]
        ]
        for mount in sorted(mounts, key=lambda item: item["mountPath"].count("/")):
            target = self.folder / mount["mountPath"].removeprefix("/")
            volume = self.workload.volumes[mount["name"]]
            if "persistentVolumeClaim" in volume:
                claim = self.claims / f"{mount['name']}-{self.workload.name}-0"
                claim.mkdir(parents=True, exist_ok=True)
                target.symlink_to(claim)
                continue
            files = _files(volume, hall, secrets)
            if "subPath" in mount:
                self._write(target, files[mount["subPath"]])
                continue
            target.mkdir(parents=True, exist_ok=True)
            for name, data in files.items():
                self._write(target / name, data)

    def start(self) -> None:
        for container in self.workload.containers:
            with (self.folder / f"{container.name}.log").open("ab") as log:
                self.processes[container.name] = subprocess.Popen(
                    [self.within(word) for word in container.words],
                    env=self._environment(),
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                )

    def answers(self, port: int) -> bool:
        """Whether a probe by TCP succeeds."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, port)) == 0

    def wait_until_ready(self) -> None:
        for container in self.workload.containers:
            for name, port in container.ports.items():
                eventually(
                    f"{container.title} serves {name}: {self.log(container.name)}",
                    lambda port=port: self.answers(port),  # type: ignore[misc]
                )

    def execute(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """What `kubectl exec -i` would do in the main container."""
        return subprocess.run(
            [self.within(word) for word in words],
            env=self._environment(),
            input=given,
            capture_output=True,
            timeout=60,
        )

    def log(self, container: str) -> str:
        return (self.folder / f"{container}.log").read_text(errors="replace")[-2000:]

    def ask_to_stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)

    def wait_until_stopped(self) -> dict[str, int]:
        """Exit codes of the containers; -9 for one that took longer than it may."""
        deadline = time.monotonic() + self.workload.pod["terminationGracePeriodSeconds"]
        codes = {}
        for name, process in self.processes.items():
            try:
                codes[name] = process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        self.processes.clear()
        return codes

    def changed_where_it_may_not(self) -> list[str]:
        """Files that were written to or appeared outside the writable mounts."""
        writable = [
            self.folder / mount["mountPath"].removeprefix("/")
            for container in self.workload.containers
            for mount in container.body["volumeMounts"]
            if not mount.get("readOnly")
        ]
        logs = {self.folder / f"{item.name}.log" for item in self.workload.containers}
        there = {path for path in self.folder.rglob("*") if path.is_file()} - logs
        return [
            str(path.relative_to(self.folder))
            for path in sorted(there | set(self.laid_out))
            if (path in self.laid_out or not any(path.is_relative_to(item) for item in writable))
            and self.laid_out.get(path) != _digest(path)
        ]

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path not in self.laid_out:
            path.write_bytes(data)
            path.chmod(0o440)
            self.laid_out[path] = _digest(path)

    def _environment(self) -> dict[str, str]:
        path = f"{PROGRAMS}:{os.environ['PATH']}"
        scratch = str(self.folder / "tmp")
        return {"PATH": path, "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"} | (
            self.environment
        )


@dataclass
class Machine:
    """A hall of the manifests, running."""

    hall: Hall
    folder: Path
    secrets: Secrets
    pods: dict[str, Pod] = field(default_factory=dict)
    count: int = 0
    """Pods that were made so far."""

    def start(self) -> None:
        """Make all pods anew and wait until they are ready."""
        known = {name: pod.address for name, pod in self.pods.items()}
        for workload in self.hall.workloads:
            self.count += 1
            folder = self.folder / f"{workload.name}-{self.count}"
            folder.mkdir(parents=True)
            address = known.get(workload.component) or free_address()
            pod = Pod(workload, folder, self.folder / "claims", address)
            self.pods[workload.component] = pod
        for pod in self.pods.values():
            pod.lay_out(self.hall, self.secrets)
            pod.environment = self._environment(pod)
            pod.start()
        for pod in self.pods.values():
            pod.wait_until_ready()

    def stop(self) -> dict[str, dict[str, int]]:
        for pod in self.pods.values():
            pod.ask_to_stop()
        return {name: pod.wait_until_stopped() for name, pod in self.pods.items()}

    def _environment(self, pod: Pod) -> dict[str, str]:
        """The variables of the pod, and the settings with addresses in place of names."""
        given: dict[str, str] = {}
        for container in pod.workload.containers:
            for item in container.body.get("env", ()):
                given[item["name"]] = item.get("value") or self._from_secret(item)
        settings = read_settings(pod.home, given)
        endpoints = settings.endpoints
        replaced = {
            f"HALLNET_ENDPOINTS__{name.upper()}": self._at(pod, getattr(endpoints, name))
            for name in EndpointSettings.__struct_fields__
        }
        if settings.broker.listen:
            replaced["HALLNET_BROKER__LISTEN"] = self._at(pod, settings.broker.listen)
            replaced["HALLNET_BROKER__URL"] = f"tls://{self._at(pod, settings.broker.url[6:])}"
        replaced["HALLNET_PORTAL__LISTEN"] = self._at(pod, settings.portal.listen)
        return given | replaced

    def _from_secret(self, item: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
        source = item["valueFrom"]["secretKeyRef"]
        return self.secrets[source["name"]][source["key"]].decode()

    def _at(self, pod: Pod, address: str) -> str:
        """host:port with the address of the pod that is meant."""
        host, _, port = address.rpartition(":")
        return f"{self._resolve(pod, host)}:{port}"

    def _resolve(self, pod: Pod, host: str) -> str:
        if host in ("0.0.0.0", "127.0.0.1"):
            return pod.address
        if host in self.hall.services:
            selector = {"matchLabels": self.hall.services[host]["selector"]}
            (meant,) = (
                item for item in self.pods.values() if selects(selector, item.workload.labels)
            )
            return meant.address
        # The name for the halls below stands for the load balancer in front of the exchange.
        return self.pods["exchange"].address


def files_in_secret(home: Path) -> dict[str, bytes]:
    """What `kubectl create secret generic hallnet-home --from-file=...` of the README takes."""
    return {
        path.name: path.read_bytes()
        for folder in ("keys", "trust", "tls")
        for path in (home / folder).iterdir()
    }


def _files(volume: Mapping[str, object], hall: Hall, secrets: Secrets) -> dict[str, bytes]:
    """Files of a volume by name; none of an empty one."""
    if isinstance(secret := volume.get("secret"), dict):
        data = secrets[secret["secretName"]]
        items = {item["path"]: item["key"] for item in secret["items"]}
        if secret.get("optional"):
            items = {path: key for path, key in items.items() if key in data}
        return {path: data[key] for path, key in items.items()}
    if "configMap" in volume:
        return {SETTINGS_FILE: hall.settings_file.encode()}
    return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
