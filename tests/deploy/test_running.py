"""The manifests run: a county and a township as they stand there, with real processes and links.

The county is founded under a city and the township under the county, as the README says.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.deploy.machine import PROGRAMS, Machine, Pod, eventually, free_address, is_serving
from tests.deploy.manifests import HOME, PROBES, Container, Given, kubectl, rendered
from tests.deploy.readme import given_to_the_cluster

from hallnet.sandbox.postgresql import Postgresql

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs the whole loopback network"),
    pytest.mark.timeout(300),
]
PROGRAM = f"{PROGRAMS}/hallnet"
CITY, COUNTY, TOWNSHIP = "3301", "330110", "330110012"


def hallnet(*words: object) -> None:
    """Run a command at a desk that has to succeed."""
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def links_of(pod: Pod) -> dict[str, bool]:
    """The links of a hall by its own account, and whether each is up."""
    done = pod.execute("hallnet", "node", "status", HOME, "--json")
    if done.returncode != 0:
        return {}
    return {link["neighbour"]: link["up"] for link in json.loads(done.stdout)["links"]}


@dataclass
class Network:
    """A city on this machine, and below it the county and the township of the manifests."""

    folder: Path
    county: Machine
    township: Machine

    @property
    def exchange(self) -> Pod:
        return self.county.pods["exchange"]

    @property
    def node(self) -> Pod:
        return self.township.pods["node"]

    @property
    def containers(self) -> list[tuple[Pod, Container]]:
        """Every container of both halls, with its pod."""
        return [
            (pod, container)
            for machine in (self.county, self.township)
            for pod in machine.pods.values()
            for container in pod.workload.containers
        ]


def found_city(folder: Path, address: str) -> Path:
    """A city with a message server of its own, certified and not yet running; gives its home."""
    home, root = folder / "city", folder / "root"
    hallnet("trust", "root", "new", root, "--division", CITY, "--without-passphrase")
    hallnet(
        *("node", "init", home, "--address", CITY, "--name", "city"),
        *("--listen", f"{address}:7400", "--broker-listen", f"{address}:4222"),
    )
    welcome = folder / "city.welcome"
    hallnet("trust", "root", "certify", root, home / "request.bin", "--out", welcome)
    join(folder, home, welcome)
    return home


def run_city(home: Path, address: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "HALLNET_ENDPOINTS__HEALTH": f"{address}:7401",
        "HALLNET_BROKER__DIAL": f"tls://{address}:4222",
    }
    command = [PROGRAM, "node", "run", str(home)]
    with home.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


def join(folder: Path, home: Path, welcome: Path) -> None:
    hallnet("node", "join", home, welcome, "--root", folder / "root" / "root.cert")


def init(home: Path, *more: str) -> Path:
    """Found a hall at a desk; gives its request."""
    hallnet("node", "init", home, "--address", home.name, "--name", home.name, *more)
    return home / "request.bin"


def found_county(folder: Path, city: Path, exchange: str) -> Given:
    """Certified by the city, which runs at a desk; gives what goes into the cluster."""
    home, welcome = folder / COUNTY, folder / "county.welcome"
    broker = ("--broker-listen", "0.0.0.0:4222", "--broker-url", f"tls://{exchange}:4222")
    hallnet("node", "certify", city, init(home, *broker), "--out", welcome)
    join(folder, home, welcome)
    return given_to_the_cluster(home)


def found_township(folder: Path, exchange: Pod) -> Given:
    """Certified in the pod of the county's exchange, which is running and stays so."""
    home, welcome = folder / TOWNSHIP, folder / "township.welcome"
    request = init(home).read_bytes()
    certify = ("hallnet", "node", "certify", HOME, "/dev/stdin", "--out", "/tmp/welcome")
    done = exchange.execute(*certify, given=request)
    assert done.returncode == 0, done.stderr
    welcome.write_bytes(exchange.execute("cat", "/tmp/welcome").stdout)
    join(folder, home, welcome)
    return given_to_the_cluster(home)


@pytest.fixture(scope="module")
def network(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: Postgresql
) -> Iterator[Network]:
    if kubectl() is None:
        pytest.skip("no kubectl on the PATH: the overlays cannot be rendered")
    folder = tmp_path_factory.mktemp("network")
    url = postgresql_server.create_database(f"deploy_{os.getpid()}")
    with ExitStack() as stack:
        above, exchange = free_address(), free_address()
        city = found_city(folder, above)
        stack.callback(end, run_city(city, above))
        eventually("the city is up", lambda: is_serving(f"{above}:7401"))
        given = found_county(folder, city, exchange) | {"hallnet-database": {"url": url.encode()}}
        machine = folder / "county-machine"
        county = Machine(rendered("county"), machine, given, {"exchange": exchange})
        stack.callback(county.stop)
        county.start()
        given = found_township(folder, county.pods["exchange"])
        township = Machine(rendered("township"), folder / "township-machine", given)
        stack.callback(township.stop)
        township.start()
        yield Network(folder, county, township)


def test_the_links_come_up_through_the_message_server_beside_the_exchange(
    network: Network,
) -> None:
    """The township was certified while the server ran: it let it in after nothing but a signal."""
    eventually("the township reaches its parent", lambda: links_of(network.node) == {COUNTY: True})
    eventually(
        "the county has both links",
        lambda: links_of(network.exchange) == {CITY: True, TOWNSHIP: True},
    )
    server = network.exchange.processes["nats"]
    assert server.poll() is None
    noted = (network.exchange.home / "data" / "broker.pid").read_text()
    assert int(noted) == server.pid


def calendars_of(pod: Pod) -> int:
    """How many editions of the calendar a township has been sent."""
    done = pod.execute("hallnet", "release", "list", HOME, "--json")
    return done.stdout.count(b"RELEASE_KIND_CALENDAR") if done.returncode == 0 else 0


def test_a_release_of_the_city_reaches_the_township(network: Network) -> None:
    """From city to county to township: over both links, and through the services of the county."""
    before = calendars_of(network.node)
    hallnet("release", "calendar", network.folder / "city")
    eventually("the calendar is there", lambda: calendars_of(network.node) == before + 1)


def test_the_operator_asks_every_service_from_the_pod_of_the_exchange(network: Network) -> None:
    """Its commands reach the intake and branch-sync, too, with nothing but what is mounted there."""
    account = ("account", "put", HOME, "wang", "--name", "王芳", "--password", "a long password")
    for words in (account, ("case", "list", HOME, "--as", "wang"), ("release", "list", HOME)):
        done = network.exchange.execute("hallnet", *words)
        assert done.returncode == 0, done.stderr


def test_every_probe_succeeds(network: Network) -> None:
    for pod, container in network.containers:
        for kind in PROBES:
            assert pod.probe(container, kind), (container.title, kind)


def test_a_process_that_hangs_fails_its_probe(network: Network) -> None:
    """A port that is open is not enough."""
    for pod in (network.node, network.county.pods["portal"]):
        process = pod.processes["hallnet"]
        process.send_signal(signal.SIGSTOP)
        try:
            assert not pod.probe(pod.workload.containers[0], "livenessProbe", 1.0), pod.address
        finally:
            process.send_signal(signal.SIGCONT)


def test_every_process_fits_into_its_memory(network: Network) -> None:
    """Idle, each takes no more than it asks for."""
    for pod, container in network.containers:
        status = Path(f"/proc/{pod.processes[container.name].pid}/status").read_text()
        (line,) = (item for item in status.splitlines() if item.startswith("VmRSS"))
        asked = container.body["resources"]["requests"]["memory"].removesuffix("Mi")
        assert int(line.split()[1]) < int(asked) * 1024, (container.title, line)


def test_nothing_is_written_where_a_container_may_not_write(network: Network) -> None:
    for machine in (network.county, network.township):
        for pod in machine.pods.values():
            assert pod.changed_where_it_may_not() == [], pod.workload.name


def test_every_pod_stops_in_order_and_comes_back_with_nothing_but_its_records(
    network: Network,
) -> None:
    """As in an update: new pods, with the Secrets, the settings, the database and the volume."""
    for machine in (network.township, network.county):
        for name, codes in machine.stop().items():
            assert codes["hallnet"] == 0, (name, codes)
            assert -9 not in codes.values(), (name, codes)
    for machine in (network.county, network.township):
        machine.start()
    before = calendars_of(network.node)
    hallnet("release", "calendar", network.folder / "city")
    eventually("the next one is there", lambda: calendars_of(network.node) == before + 1)
