"""The manifests agree with the program: commands, settings, ports, and the files of a home."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer.main
from cryptography import x509
from tests.deploy.manifests import (
    HOME,
    PROBES,
    REPOSITORY,
    SETTINGS,
    Container,
    Given,
    Hall,
    Workload,
    selects,
    sources_of,
)
from tests.deploy.readme import given_to_the_cluster, program_calls
from typer.core import TyperGroup

from hallnet.cli.main import app
from hallnet.node.broker import CONFIGURATION, PID_FILE, configuration
from hallnet.node.home import KEEPERS, Home, Part
from hallnet.node.rootkeys import create_root
from hallnet.node.settings import SETTINGS_FILE, EndpointSettings, Settings, read_settings
from hallnet.node.stating import certify_top
from hallnet.places import Address, divisions

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OF_THE_HALL = {"keys/signing.key", "keys/sealing.key", "keys/link.key", "keys/link-authority.key"}
OF_THE_PARTS = {f"tls/{part.value}.key" for part in Part}
OF_THE_VAULTS = {f"keys/vault-{part.value}.key" for part in KEEPERS}
KEYS = {
    "hallnet-intake/hallnet": {"tls/intake.key", "keys/vault-intake.key"},
    "hallnet-branch-sync/hallnet": {"tls/branch-sync.key", "keys/vault-branch-sync.key"},
    "hallnet-notify/hallnet": {"tls/notify.key", "keys/vault-notify.key"},
    "hallnet-portal/hallnet": {"tls/portal.key", "keys/session.key"},
    # The operator's commands are run here.
    "hallnet-exchange/hallnet": OF_THE_HALL
    | {"tls/exchange.key", "tls/own-link.key", "tls/operator.key", "keys/vault-exchange.key"},
    "hallnet-exchange/nats": {"tls/broker.key"},
    "hallnet/hallnet": (OF_THE_HALL - {"keys/link-authority.key"})
    | {"keys/session.key"}
    | OF_THE_VAULTS
    | OF_THE_PARTS,
}
"""What each container needs of all that is secret in a home."""
LEFT_AT_THE_DESK = {"keys/node-authority.key"}
SECRET = re.compile(
    r"-----BEGIN|passw(or)?d\s*[=:]|postgres(ql)?://[^\s/]*:[^\s/]*@|[A-Za-z0-9+/]{60,}", re.I
)


@dataclass(frozen=True)
class Founded:
    """A hall that was founded and certified, and what the README then gives the cluster."""

    home: Home
    given: Given


Found = Callable[[Hall], Founded]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Founds the hall of an overlay when it is first asked for."""

    made: dict[str, Founded] = {}

    def found(hall: Hall) -> Founded:
        if hall.overlay not in made:
            folder = tmp_path_factory.mktemp(hall.overlay)
            address = tomllib.loads(hall.settings_file)["hall"]["address"]
            home = Home.create(folder / address, hall.settings_file, NOW)
            root = create_root(folder / "root", address, "test", NOW)
            welcome = certify_top(folder / "root", home.request(NOW), NOW)
            welcome.link_certificate = welcome.link_authority = b"of the parent"
            home.join(welcome, root, NOW)
            made[hall.overlay] = Founded(home, given_to_the_cluster(home.folder))
        return made[hall.overlay]

    return found


def parse(words: list[str]) -> None:
    """Parse a command as the program would, without doing it; raises what the parser raises."""
    assert words[0] == "hallnet"
    command, rest = typer.main.get_command(app), words[1:]
    while isinstance(command, TyperGroup):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], rest)


def settings_of(hall: Hall, folder: Path, container: Container | None = None) -> Settings:
    """The settings as a container reads them."""
    (folder / SETTINGS_FILE).write_text(hall.settings_file, encoding="utf-8")
    return read_settings(folder, container.environment if container else {})


def main_container(workload: Workload) -> Container:
    (found,) = (item for item in workload.containers if item.name == "hallnet")
    return found


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


# Commands


def test_every_command_is_one_of_the_program(hall: Hall) -> None:
    commands = [item.words for item in hall.containers if item.words[0] == "hallnet"]
    commands += [
        container.body[probe]["exec"]["command"]
        for container in hall.containers
        for probe in PROBES
        if "exec" in container.body[probe]
    ]
    assert len(commands) >= len(hall.workloads)
    for words in commands:
        parse(words)
        assert HOME in words


def test_every_command_in_the_readme_is_one_of_the_program() -> None:
    commands = program_calls()
    assert {tuple(words[1:3]) for words in commands} >= {
        ("node", "init"),
        ("node", "certify"),
        ("node", "join"),
        ("node", "status"),
    }
    for words in commands:
        # The command would ask for it.
        asked = ["--password", "word"] if words[1] == "account" else []
        parse([*words, *asked])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("node walk HOME", "walk"),
        ("node run HOME --onyl intake", "No such option: --onyl"),
        ("node run HOME --only portla", "portla"),
        ("node run", "Missing"),
    ],
)
def test_a_wrong_command_is_caught(words: str, complaint: str) -> None:
    with pytest.raises(Exception, match=complaint):
        parse(["hallnet", *words.split()])


def test_each_service_runs_alone_in_a_big_hall(county: Hall) -> None:
    for workload in county.workloads:
        words = main_container(workload).words
        assert words == ["hallnet", "node", "run", HOME, "--only", workload.component]


def test_a_small_hall_runs_everything_in_one_process(township: Hall) -> None:
    (workload,) = township.workloads
    assert workload.replicas == 1
    assert [item.words for item in workload.containers] == [["hallnet", "node", "run", HOME]]


# Settings


def test_the_program_accepts_the_settings(hall: Hall, tmp_path: Path) -> None:
    settings = settings_of(hall, tmp_path)
    address = Address.parse(settings.hall.address, "hall.address")
    assert divisions().exists(address.division)
    assert all(
        settings.hall.address in item["metadata"]["name"] for item in hall.of_kind("Namespace")
    )
    instance = {item.labels["app.kubernetes.io/instance"] for item in hall.workloads}
    assert instance == {f"hall-{address}"}


def test_a_misspelt_setting_is_caught(hall: Hall, tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(hall.settings_file.replace("[portal]", "[prtal]"))
    with pytest.raises(Exception, match="prtal"):
        read_settings(tmp_path, {})


def test_the_settings_file_says_nothing_twice(hall: Hall) -> None:
    """What the Secret or the manifest sets has one place."""
    sections = tomllib.loads(hall.settings_file)
    for container in hall.containers:
        for name in container.environment:
            section, _, key = name.removeprefix("HALLNET_").lower().partition("__")
            if key:
                assert key not in sections.get(section, {}), (container.title, name)
    assert "database" not in sections


def test_every_variable_is_a_setting(hall: Hall, tmp_path: Path) -> None:
    for container in hall.containers:
        given = [item["name"] for item in container.body.get("env", ())]
        ours = {name: "postgresql://h/d" for name in given if name.startswith("HALLNET_")}
        (tmp_path / SETTINGS_FILE).write_text(hall.settings_file, encoding="utf-8")
        if container.name == "hallnet":
            assert set(ours) == set(given), container.title
        read_settings(tmp_path, ours)


def test_a_big_hall_keeps_its_records_in_postgresql(county: Hall) -> None:
    for workload in county.workloads:
        variables = main_container(workload).body.get("env", ())
        sources = [
            item["valueFrom"]["secretKeyRef"]
            for item in variables
            if item["name"] == "HALLNET_DATABASE__URL"
        ]
        expected = (
            [] if workload.component == "portal" else [{"name": "hallnet-database", "key": "url"}]
        )
        assert sources == expected, workload.name


def test_a_small_hall_keeps_its_records_on_a_volume_that_outlives_it(
    township: Hall, tmp_path: Path
) -> None:
    (workload,) = township.workloads
    assert settings_of(township, tmp_path).database.url == "sqlite"
    mounts = {
        item["mountPath"]: item["name"] for item in main_container(workload).body["volumeMounts"]
    }
    assert "persistentVolumeClaim" in workload.volumes[mounts[f"{HOME}/data"]]
    kept = workload.body["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert kept == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_notices_never_go_to_a_folder_that_ends_with_its_pod(hall: Hall, tmp_path: Path) -> None:
    folder = settings_of(hall, tmp_path).notify.folder
    if hall.overlay == "township":
        assert folder.startswith("data/")
    else:
        assert folder == ""


# Ports


def test_every_service_listens_where_it_is_dialled(county: Hall, tmp_path: Path) -> None:
    endpoints = settings_of(county, tmp_path).endpoints
    assert endpoints.listen_host == "0.0.0.0"
    for workload in county.workloads:
        if workload.component == "portal":
            continue
        field = workload.component.replace("-", "_")
        host, _, port = getattr(endpoints, field).partition(":")
        service, container = county.services[host], main_container(workload)
        assert selects({"matchLabels": service["selector"]}, workload.labels), host
        assert [(item["port"], item["targetPort"]) for item in service["ports"]] == [
            (int(port), "grpc")
        ]
        assert container.ports["grpc"] == int(port) == port_of(getattr(EndpointSettings(), field))


def test_every_process_reads_the_same_settings(hall: Hall, tmp_path: Path) -> None:
    """No pod overrides where anybody is dialled or listens."""
    for container in hall.containers:
        assert settings_of(hall, tmp_path, container) == settings_of(hall, tmp_path), (
            container.title
        )


def test_the_kubelet_asks_where_the_settings_say(hall: Hall, tmp_path: Path) -> None:
    health = settings_of(hall, tmp_path).endpoints.health
    asked = [item.ports["health"] for item in hall.containers if "health" in item.ports]
    assert len(asked) == (4 if hall.overlay == "county" else 1)
    assert {f"0.0.0.0:{port}" for port in asked} == {health}


def test_every_port_of_a_service_leads_to_a_port_of_a_container(hall: Hall) -> None:
    for name, service in hall.services.items():
        (workload,) = (
            item
            for item in hall.workloads
            if selects({"matchLabels": service["selector"]}, item.labels)
        )
        known = {key for container in workload.containers for key in container.ports}
        assert {port["targetPort"] for port in service["ports"]} <= known, name


def test_the_site_listens_where_the_settings_say(hall: Hall, tmp_path: Path) -> None:
    component = "portal" if hall.overlay == "county" else "node"
    container = main_container(hall.workload(component))
    listen = settings_of(hall, tmp_path).portal.listen
    assert listen == f"0.0.0.0:{container.ports['http']}"


def test_the_site_demands_https_for_its_sessions(hall: Hall, tmp_path: Path) -> None:
    assert settings_of(hall, tmp_path).portal.secure_cookies


def test_the_message_server_listens_where_the_halls_below_dial(
    county: Hall, tmp_path: Path
) -> None:
    broker = settings_of(county, tmp_path).broker
    dialled = urlsplit(broker.url)
    exchange = county.workload("exchange")
    (nats,) = (item for item in exchange.containers if item.name == "nats")
    (offered,) = county.services["hallnet-links"]["ports"]
    assert dialled.scheme == "tls"
    assert nats.ports["links"] == port_of(broker.listen)
    assert (offered["port"], offered["targetPort"]) == (dialled.port, "links")
    # The exchange finds it in its own pod.
    assert broker.own_url == f"tls://localhost:{nats.ports['links']}"
    assert "hostAliases" not in exchange.pod


def test_a_small_hall_has_no_message_server_and_no_open_service(
    township: Hall, tmp_path: Path
) -> None:
    settings = settings_of(township, tmp_path)
    assert settings.broker.listen == ""
    assert settings.endpoints == EndpointSettings(health="0.0.0.0:7401")
    assert EndpointSettings().intake.startswith("127.0.0.1:")


# The message server beside the exchange


def test_the_exchange_can_signal_its_message_server(county: Hall, tmp_path: Path) -> None:
    exchange = county.workload("exchange")
    (nats,) = (item for item in exchange.containers if item.name == "nats")
    assert settings_of(county, tmp_path).broker.supervised is False
    assert exchange.pod["shareProcessNamespace"] is True
    assert nats.words[-1] == f"{HOME}/{CONFIGURATION}"
    own = nats.body["securityContext"].get("runAsUser")
    assert own is None, "another user could not be signalled"


def test_the_message_server_sees_every_file_of_its_configuration(
    county: Hall, founded: Found
) -> None:
    home = Home(Path(HOME))
    text = configuration(home, "0.0.0.0:4222", Address.parse("330110"), [])
    files = set(re.findall(rf"{HOME}/[a-z./-]+", text)) - {f"{HOME}/{PID_FILE}"}
    exchange = county.workload("exchange")
    (nats,) = (item for item in exchange.containers if item.name == "nats")
    assert files == {
        f"{HOME}/tls/broker.pem",
        f"{HOME}/tls/broker.key",
        f"{HOME}/trust/link-authority.pem",
    }
    assert files <= set(exchange.seen_by(nats, founded(county).given))


def test_the_message_server_shares_the_folder_of_its_configuration(county: Hall) -> None:
    exchange = county.workload("exchange")
    shared = [
        {mount["name"] for mount in container.mounts if mount["mountPath"] == f"{HOME}/data"}
        for container in exchange.containers
    ]
    assert shared == [{"data"}, {"data"}]
    assert os.path.dirname(CONFIGURATION) == os.path.dirname(PID_FILE) == "data"


def test_the_certificate_of_the_message_server_bears_the_names_at_which_it_is_dialled(
    county: Hall, tmp_path: Path, founded: Found
) -> None:
    certificate = x509.load_pem_x509_certificate(founded(county).home.read("tls/broker.pem"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    broker = settings_of(county, tmp_path).broker
    dialled = {urlsplit(broker.url).hostname, urlsplit(broker.own_url).hostname}
    assert dialled <= set(names.get_values_for_type(x509.DNSName))


def test_the_message_server_waits_for_its_configuration(county: Hall, tmp_path: Path) -> None:
    (nats,) = (item for item in county.containers if item.name == "nats")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "nats-server"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    file = tmp_path / "broker.conf"
    words = [word.replace(f"{HOME}/{CONFIGURATION}", str(file)) for word in nats.words]
    path = f"{folder}:{os.environ['PATH']}"
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={"PATH": path}) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.5)
        file.write_text("{}")
        said, _ = process.communicate(timeout=10)
    assert said == f"-c {file}\n"


# The home


def secrets_in(home: Home) -> set[str]:
    return {
        f"{folder}/{path.name}"
        for folder in ("keys", "trust", "tls")
        for path in home.path(folder).glob("*.key")
    }


def seen_in_home(hall: Hall, given: Given) -> dict[str, dict[str, bytes]]:
    """The files of the home that each container sees, by the name of the container."""
    return {
        container.title: {
            path.removeprefix(f"{HOME}/"): data
            for path, data in workload.seen_by(container, given | hall.config_maps).items()
            if path.startswith(f"{HOME}/")
        }
        for workload in hall.workloads
        for container in workload.containers
    }


def test_every_container_sees_the_keys_that_it_needs_and_no_other(
    hall: Hall, founded: Found
) -> None:
    for title, files in seen_in_home(hall, founded(hall).given).items():
        assert {file for file in files if file.endswith(".key")} == KEYS[title], title


def test_no_pod_but_that_of_the_exchange_has_a_private_key_of_the_hall(
    county: Hall, founded: Found
) -> None:
    for title, files in seen_in_home(county, founded(county).given).items():
        if OF_THE_HALL & set(files):
            assert title == "hallnet-exchange/hallnet"


def test_every_key_is_in_one_place(county: Hall, founded: Found) -> None:
    """So that nobody can pass for another: in one container, or at the desk where it was made."""
    seen = [
        file
        for files in seen_in_home(county, founded(county).given).values()
        for file in files
        if file.endswith(".key")
    ]
    assert sorted([*seen, *LEFT_AT_THE_DESK]) == sorted(secrets_in(founded(county).home))


def test_every_container_sees_the_files_of_the_home_unchanged(hall: Hall, founded: Found) -> None:
    """Under their own names, each key with its certificate, and all that is public."""
    home, given = founded(hall).home, founded(hall).given
    public = {f"trust/{path.name}" for path in home.path("trust").iterdir()}
    assert len(public) == 6
    for title, files in seen_in_home(hall, given).items():
        assert public <= set(files), title
        for file, data in files.items():
            if file.endswith(".toml"):
                continue
            assert data == home.read(file), (title, file)
            if file.startswith("tls/"):
                pair = {f"{file[:-4]}.key", f"{file[:-4]}.pem"}
                assert pair <= set(files), (title, file)


def test_the_readme_gives_the_cluster_what_the_pods_mount(hall: Hall, founded: Found) -> None:
    mounted = {
        name
        for workload in hall.workloads
        for volume in workload.volumes.values()
        for name, _ in sources_of(volume)
        if not name.startswith(SETTINGS)
    }
    unused = {"hallnet-tls-own-link"} if hall.overlay == "township" else set()
    assert set(founded(hall).given) == mounted - {"hallnet-database"} | unused


def test_nothing_but_records_and_scratch_can_be_written(hall: Hall) -> None:
    for workload in hall.workloads:
        for container in workload.containers:
            writable = {
                mount["mountPath"] for mount in container.mounts if not mount.get("readOnly")
            }
            assert writable <= {f"{HOME}/data", "/tmp"}, container.title
            for mount in container.mounts:
                if sources_of(workload.volumes[mount["name"]]):
                    assert mount["readOnly"] is True, (container.title, mount)


def test_files_of_a_secret_are_for_the_own_group_only(hall: Hall) -> None:
    for workload in hall.workloads:
        for name, volume in workload.volumes.items():
            if sources_of(volume):
                (kind,) = set(volume) - {"name"}
                assert volume[kind]["defaultMode"] == 0o440, (workload.name, name)


def test_a_pod_that_lacks_a_secret_does_not_start(hall: Hall) -> None:
    optional = {
        name
        for workload in hall.workloads
        for volume in workload.volumes.values()
        for name, use in sources_of(volume)
        if use.get("optional")
    }
    assert optional == ({"hallnet-database"} if hall.overlay == "county" else set())


def test_no_manifest_holds_a_secret(hall: Hall) -> None:
    assert not hall.of_kind("Secret")
    assert [set(files) for files in hall.config_maps.values()] == [{SETTINGS_FILE}]
    assert not any("binaryData" in item for item in hall.of_kind("ConfigMap"))
    for container in hall.containers:
        for name, value in container.environment.items():
            assert not SECRET.search(value), (container.title, name)


def test_no_file_of_the_deployment_holds_a_secret() -> None:
    for path in (REPOSITORY / "deploy").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            found = SECRET.search(re.sub(r"sha256:0{64}", "", text))
            # The README shows the form of an address with a password.
            assert path.name == "README.md" or found is None, path
            assert "-----BEGIN" not in text, path


def test_a_changed_setting_rolls_out_by_itself(hall: Hall) -> None:
    (name,) = hall.config_maps
    assert re.fullmatch(r"hallnet-settings-[a-z0-9]{10}", name)
    for workload in hall.workloads:
        assert workload.volumes["settings"]["configMap"]["name"] == name, workload.name
