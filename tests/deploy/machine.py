"""Pods of the manifests as processes of this machine: what a kubelet would do, with an address for each pod.

Files are laid out as the manifests mount them and commands run as they stand there, with the folder of
the pod in front of each path. A pod has an address of its own on the loopback network, so that every
port is the one in the manifests; names and 0.0.0.0 are replaced by that address in the settings.
Containers of one pod share its folder here: each gets its files just before it is started.
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
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.deploy.manifests import HOME, Container, Given, Hall, Workload, selects

from hallnet.node.settings import read_settings

READY_SECONDS = 60.0
LISTENING = (7400, 7401, 4222, 8080)
PROGRAMS = str(Path(sys.executable).parent)


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


def is_serving(address: str, seconds: float = 1.0) -> bool:
    """Whether a port for health checks says that all is well."""
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        asked: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = asked.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


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
        return self.within(HOME)

    def within(self, path: str) -> Path:
        """A path of a container."""
        return self.folder / path.removeprefix("/")

    def word(self, word: str) -> str:
        """A word of a command, with the folder of the pod in front of the paths that it names."""
        return (
            str(self.within(word))
            if word.startswith("/tmp/")
            else word.replace(HOME, str(self.home))
        )

    def lay_out(self, container: Container, given: Given) -> None:
        """Make what is mounted into a container."""
        for mount in container.mounts:
            volume, target = self.workload.volumes[mount["name"]], self.within(mount["mountPath"])
            target.parent.mkdir(parents=True, exist_ok=True)
            if "persistentVolumeClaim" in volume:
                claim = self.claims / f"{mount['name']}-{self.workload.name}-0"
                claim.mkdir(parents=True, exist_ok=True)
                target.symlink_to(claim)
            elif "subPath" not in mount:
                target.mkdir(exist_ok=True)
        for path, data in self.workload.seen_by(container, given).items():
            file = self.within(path)
            if file not in self.laid_out:
                file.write_bytes(data)
                file.chmod(0o440)
                self.laid_out[file] = _digest(file)

    def start(self, container: Container) -> None:
        with (self.folder / f"{container.name}.log").open("ab") as log:
            self.processes[container.name] = subprocess.Popen(
                [self.word(word) for word in container.words],
                env=self._environment(),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def probe(self, container: Container, kind: str, seconds: float = 0) -> bool:
        """Whether a probe succeeds, asked as a kubelet asks, within seconds if they are given."""
        body = container.body[kind]
        seconds = seconds or body.get("timeoutSeconds", 1)
        if "grpc" in body:
            return is_serving(f"{self.address}:{body['grpc']['port']}", seconds)
        if "httpGet" in body:
            port = container.ports[body["httpGet"]["port"]]
            return self._is_found(port, body["httpGet"]["path"], seconds)
        with socket.socket() as probe:
            probe.settimeout(seconds)
            port = container.ports[body["tcpSocket"]["port"]]
            return probe.connect_ex((self.address, port)) == 0

    def wait_until_ready(self, container: Container) -> None:
        for kind in ("startupProbe", "readinessProbe"):
            eventually(
                f"{container.title} passes its {kind}: {self.log(container.name)}",
                lambda kind=kind: self.probe(container, kind),  # type: ignore[misc]
            )

    def execute(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """What `kubectl exec -i` would do in the main container."""
        return subprocess.run(
            [self.word(word) for word in words],
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
            self.within(mount["mountPath"])
            for container in self.workload.containers
            for mount in container.mounts
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

    def _is_found(self, port: int, path: str, seconds: float) -> bool:
        asked = HTTPConnection(self.address, port, timeout=seconds)
        try:
            asked.request("GET", path)
            return asked.getresponse().status < 400
        except OSError:
            return False
        finally:
            asked.close()

    def _environment(self) -> dict[str, str]:
        path = f"{PROGRAMS}:{os.environ['PATH']}"
        scratch = str(self.within("/tmp"))
        return {"PATH": path, "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"} | (
            self.environment
        )


@dataclass
class Machine:
    """A hall of the manifests, running."""

    hall: Hall
    folder: Path
    given: Given
    addresses: dict[str, str] = field(default_factory=dict)
    """Of pods by component; one that is not there is chosen."""
    pods: dict[str, Pod] = field(default_factory=dict)
    count: int = 0
    """Pods that were made so far."""

    def start(self) -> None:
        """Make all pods anew and wait until they are ready."""
        for workload in self.hall.workloads:
            self.count += 1
            folder = self.folder / f"{workload.name}-{self.count}"
            folder.mkdir(parents=True)
            address = self.addresses.setdefault(workload.component, free_address())
            pod = Pod(workload, folder, self.folder / "claims", address)
            self.pods[workload.component] = pod
        for pod in self.pods.values():
            self._start(pod, pod.workload.containers[0])
        for pod in self.pods.values():
            first, *others = pod.workload.containers
            pod.wait_until_ready(first)
            for container in others:
                self._start(pod, container)
                pod.wait_until_ready(container)

    def stop(self) -> dict[str, dict[str, int]]:
        for pod in self.pods.values():
            pod.ask_to_stop()
        return {name: pod.wait_until_stopped() for name, pod in self.pods.items()}

    def _start(self, pod: Pod, container: Container) -> None:
        pod.lay_out(container, self.given | self.hall.config_maps)
        pod.environment |= self._environment(pod, container)
        pod.start(container)

    def _environment(self, pod: Pod, container: Container) -> dict[str, str]:
        """The variables of a container, and the settings with addresses in place of names."""
        variables = {
            item["name"]: item.get("value") or self._from_secret(item)
            for item in container.body.get("env", ())
        }
        settings = read_settings(pod.home, variables)
        endpoints = settings.endpoints
        dialled = ("intake", "exchange", "branch_sync", "notify", "health")
        replaced = {
            f"HALLNET_ENDPOINTS__{name.upper()}": self._at(pod, getattr(endpoints, name))
            for name in dialled
        }
        if endpoints.listen_host:
            replaced["HALLNET_ENDPOINTS__LISTEN_HOST"] = self._resolve(pod, endpoints.listen_host)
        if settings.broker.listen:
            replaced["HALLNET_BROKER__LISTEN"] = self._at(pod, settings.broker.listen)
            for name, url in (("URL", settings.broker.url), ("DIAL", settings.broker.own_url)):
                replaced[f"HALLNET_BROKER__{name}"] = f"tls://{self._at(pod, url[6:])}"
        replaced["HALLNET_PORTAL__LISTEN"] = self._at(pod, settings.portal.listen)
        return variables | replaced

    def _from_secret(self, item: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
        source = item["valueFrom"]["secretKeyRef"]
        return self.given[source["name"]][source["key"]].decode()

    def _at(self, pod: Pod, address: str) -> str:
        """host:port with the address of the pod that is meant."""
        host, _, port = address.rpartition(":")
        return f"{self._resolve(pod, host)}:{port}"

    def _resolve(self, pod: Pod, host: str) -> str:
        if host in ("0.0.0.0", "127.0.0.1", "localhost"):
            return pod.address
        if host in self.hall.services:
            selector = {"matchLabels": self.hall.services[host]["selector"]}
            (meant,) = (
                item for item in self.pods.values() if selects(selector, item.workload.labels)
            )
            return meant.address
        # The name for the halls below stands for the load balancer in front of the exchange.
        return self.pods["exchange"].address


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
