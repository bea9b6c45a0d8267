"""The manifests agree with the program: commands, settings, ports, and the files of a home."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import typer.main
from tests.deploy.manifests import (
    HOME,
    MANIFESTS,
    REPOSITORY,
    Container,
    Hall,
    Workload,
    selects,
)
from typer.core import TyperGroup

from hallnet.cli.main import app
from hallnet.node.broker import CONFIGURATION, configuration
from hallnet.node.home import Home, Part
from hallnet.node.rootkeys import certify_top, create_root
from hallnet.node.settings import SETTINGS_FILE, EndpointSettings, Settings, read_settings
from hallnet.places import Address, divisions

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PORTAL_KEY = "keys/portal.key"
"""Made by the operator: each replica of the portal needs the same one."""
SECRET = re.compile(
    r"PRIVATE KEY|passw(or)?d\s*[=:]|postgres(ql)?://[^\s/]*:[^\s/]*@|[A-Za-z0-9+/]{60,}", re.I
)


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


def documented_commands() -> list[list[str]]:
    """The `hallnet` commands in the code blocks of the README, up to a redirection."""
    text = (MANIFESTS / "README.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.S)).replace("\\\n", " ")
    found = re.findall(r"(?:^ *|-- +)(hallnet [^<>|&\n]*)", blocks, re.M)
    return [shlex.split(line) for line in found]


# Commands


def test_every_command_is_one_of_the_program(hall: Hall) -> None:
    commands = [item.words for item in hall.containers if item.words[0] == "hallnet"]
    commands += [
        container.body[probe]["exec"]["command"]
        for container in hall.containers
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        if "exec" in container.body[probe]
    ]
    assert len(commands) >= len(hall.workloads)
    for words in commands:
        parse(words)
        assert HOME in words


def test_every_command_in_the_readme_is_one_of_the_program() -> None:
    commands = documented_commands()
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
            if key and section != "endpoints":
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
    dialled = settings_of(county, tmp_path).endpoints
    for workload in county.workloads:
        if workload.component == "portal":
            continue
        field = workload.component.replace("-", "_")
        host, _, port = getattr(dialled, field).partition(":")
        service = county.services[host]
        assert selects({"matchLabels": service["selector"]}, workload.labels), host
        container = main_container(workload)
        own = settings_of(county, tmp_path, container).endpoints
        assert getattr(own, field) == f"0.0.0.0:{port}"
        others = {name for name in own.__struct_fields__ if name != field}
        assert all(getattr(own, name) == getattr(dialled, name) for name in others)
        assert container.ports["grpc"] == int(port) == port_of(getattr(EndpointSettings(), field))


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
    # The exchange dials the same port in its own pod, so all three are one number.
    assert nats.ports["links"] == port_of(broker.listen) == offered["port"] == dialled.port
    aliases = {
        name: item["ip"] for item in exchange.pod["hostAliases"] for name in item["hostnames"]
    }
    assert aliases == {dialled.hostname: "127.0.0.1"}


def test_a_small_hall_has_no_message_server_and_no_open_service(
    township: Hall, tmp_path: Path
) -> None:
    settings = settings_of(township, tmp_path)
    assert settings.broker.listen == ""
    assert settings.endpoints == EndpointSettings()
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
    county: Hall, tmp_path: Path
) -> None:
    home = Home(Path(HOME))
    text = configuration(home, "0.0.0.0:4222", Address.parse("330110"), [])
    files = set(re.findall(rf"{HOME}/[a-z./-]+", text))
    exchange = county.workload("exchange")
    for container in exchange.containers:
        mounts = {item["mountPath"] for item in container.body["volumeMounts"]}
        for file in files:
            assert file in mounts or os.path.dirname(file) in mounts, (container.title, file)
    shared = [
        {
            (item["mountPath"], item["name"])
            for item in container.body["volumeMounts"]
            if item["mountPath"] in (f"{HOME}/data", f"{HOME}/tls")
        }
        for container in exchange.containers
    ]
    assert shared[0] == shared[1]


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


@pytest.fixture
def joined(tmp_path: Path) -> Home:
    """A hall that was founded and certified, before its first start."""
    root = create_root(tmp_path / "root", "330110", "test", NOW)
    home = Home.create(tmp_path / "home", '[hall]\naddress = "330110"\nname = "test"\n', NOW)
    welcome = certify_top(tmp_path / "root", home.request(NOW), NOW)
    welcome.link_certificate = welcome.link_authority = b"of the parent"
    home.join(welcome, root, NOW)
    return home


def files_of(home: Home) -> set[str]:
    return {
        f"{folder}/{path.name}"
        for folder in ("keys", "trust", "tls")
        for path in (home.path(folder)).iterdir()
    }


def mounted_from_secret(workload: Workload, container: Container) -> dict[str, str]:
    """Files of the home that come from the Secret, with their keys in it."""
    found: dict[str, str] = {}
    for mount in container.body["volumeMounts"]:
        secret = workload.volumes[mount["name"]].get("secret", {})
        if secret.get("secretName") != "hallnet-home":
            continue
        items = {item["path"]: item["key"] for item in secret["items"]}
        below = mount["mountPath"].removeprefix(f"{HOME}/")
        if "subPath" in mount:
            found[below] = items[mount["subPath"]]
        else:
            found |= {f"{below}/{path}": key for path, key in items.items()}
    return found


def test_the_secret_gives_every_process_what_founding_made(hall: Hall, joined: Home) -> None:
    made = files_of(joined) | {PORTAL_KEY}
    for workload in hall.workloads:
        mounted = mounted_from_secret(workload, main_container(workload))
        assert set(mounted) == made, workload.name
        # kubectl create secret --from-file=FOLDER names each key after its file.
        assert all(Path(file).name == key for file, key in mounted.items()), workload.name


def test_no_two_files_of_the_secret_have_the_same_name(joined: Home) -> None:
    files = files_of(joined) | {PORTAL_KEY}
    assert len({Path(file).name for file in files}) == len(files)


def test_what_the_process_makes_goes_to_memory_or_to_the_volume(hall: Hall, joined: Home) -> None:
    before = files_of(joined)
    joined.renew_connection_certificates(NOW)
    made = files_of(joined) - before
    assert {f"tls/{part.value}.key" for part in Part} <= made
    for workload in hall.workloads:
        writable = {
            mount["mountPath"]: workload.volumes[mount["name"]]
            for mount in main_container(workload).body["volumeMounts"]
            if not mount.get("readOnly")
        }
        assert all(f"{HOME}/{os.path.dirname(file)}" in writable for file in made)
        assert writable[f"{HOME}/tls"]["emptyDir"]["medium"] == "Memory"
        assert set(writable) <= {f"{HOME}/tls", f"{HOME}/data", "/tmp"}, workload.name


def test_secret_files_are_for_the_own_group_only_and_never_written(hall: Hall) -> None:
    for workload in hall.workloads:
        secrets = {name for name, volume in workload.volumes.items() if "secret" in volume}
        for name in secrets:
            assert workload.volumes[name]["secret"]["defaultMode"] == 0o440, (workload.name, name)
        for container in workload.containers:
            for mount in container.body["volumeMounts"]:
                if mount["name"] in secrets:
                    assert mount["readOnly"] is True, container.title


def test_a_home_without_its_secret_does_not_start(hall: Hall) -> None:
    for workload in hall.workloads:
        for name, volume in workload.volumes.items():
            if volume.get("secret", {}).get("secretName") == "hallnet-home":
                assert not volume["secret"].get("optional"), (workload.name, name)


def test_no_manifest_holds_a_secret(hall: Hall) -> None:
    assert not hall.of_kind("Secret")
    for manifest in hall.of_kind("ConfigMap"):
        assert set(manifest["data"]) == {SETTINGS_FILE}
        assert "binaryData" not in manifest
    for container in hall.containers:
        for name, value in container.environment.items():
            assert not SECRET.search(value), (container.title, name)


def test_no_file_of_the_deployment_holds_a_secret() -> None:
    for path in (REPOSITORY / "deploy").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            found = SECRET.search(re.sub(r"sha256:0{64}", "", text))
            assert path.name == "README.md" or found is None, path
            assert "PRIVATE KEY" not in text, path


def test_a_changed_setting_rolls_out_by_itself(hall: Hall) -> None:
    (manifest,) = hall.of_kind("ConfigMap")
    name = manifest["metadata"]["name"]
    assert re.fullmatch(r"hallnet-settings-[a-z0-9]{10}", name)
    for workload in hall.workloads:
        assert workload.volumes["settings"]["configMap"]["name"] == name, workload.name
