"""Who may talk to whom: nobody, but for what the code really dials."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.deploy.manifests import REPOSITORY, Hall, Manifest, Workload, selects

from hallnet.cli.node import Service

PARTS = ("intake", "exchange", "branch-sync", "notify")
DOORS = {"http", "links"}
"""The only ports that anybody outside may reach: the web site, and the links of the halls below."""


def of_pod(hall: Hall, workload: Workload, direction: str) -> list[Manifest]:
    """The policies that hold for a pod."""
    return [
        policy
        for policy in hall.policies.values()
        if direction in policy["policyTypes"] and selects(policy["podSelector"], workload.labels)
    ]


def rules(hall: Hall, workload: Workload, direction: str) -> Iterator[Manifest]:
    for policy in of_pod(hall, workload, direction):
        yield from policy.get(direction.lower(), ())


def allowed(hall: Hall, direction: str, side: str) -> set[tuple[str, str, str]]:
    """What is allowed inside the namespace, as (pod, other pod, port)."""
    return {
        (workload.component, other.component, port["port"])
        for workload in hall.workloads
        for rule in rules(hall, workload, direction)
        for peer in rule.get(side, ())
        if set(peer) == {"podSelector"}
        for other in hall.workloads
        if selects(peer["podSelector"], other.labels)
        for port in rule["ports"]
    }


def dialled(component: str) -> set[str]:
    """The services whose addresses the code of a service reads."""
    package = REPOSITORY / "services" / component / "hallnet" / component.replace("-", "_")
    source = "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    if re.search(r"\bDesk\(", source):
        return set(PARTS)
    found = re.findall(r"\bendpoints\.(intake|exchange|branch_sync|notify)\b", source)
    return {name.replace("_", "-") for name in found}


def test_a_policy_closes_every_pod_in_both_directions(hall: Hall) -> None:
    closing = hall.policies["deny-everything"]
    assert closing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for workload in hall.workloads:
        for direction in ("Ingress", "Egress"):
            assert of_pod(hall, workload, direction), workload.name


def test_every_policy_selects_a_pod(hall: Hall) -> None:
    for name, policy in hall.policies.items():
        assert any(selects(policy["podSelector"], item.labels) for item in hall.workloads), name


def test_no_rule_is_open_for_every_port(hall: Hall) -> None:
    for workload in hall.workloads:
        for direction in ("Ingress", "Egress"):
            for rule in rules(hall, workload, direction):
                assert rule["ports"], workload.name
                assert all("port" in port for port in rule["ports"]), workload.name


def test_nobody_may_call_out_to_the_whole_world(hall: Hall) -> None:
    for workload in hall.workloads:
        for rule in rules(hall, workload, "Egress"):
            assert rule["to"], workload.name
            blocks = [peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer]
            assert not any(block.endswith("/0") for block in blocks), workload.name


def test_a_service_may_call_what_its_code_dials_and_nothing_else(county: Hall) -> None:
    may = allowed(county, "Egress", "to")
    for component in (*PARTS, "portal"):
        called = {other for pod, other, _ in may if pod == component}
        assert called == dialled(component), component
    assert dialled("portal") == set(PARTS)


def test_who_may_call_is_let_in_and_who_is_let_in_may_call(county: Hall) -> None:
    outgoing = allowed(county, "Egress", "to")
    incoming = {(other, pod, port) for pod, other, port in allowed(county, "Ingress", "from")}
    assert outgoing == incoming
    assert {port for _, _, port in outgoing} == {"grpc"}


def test_outsiders_reach_nothing_but_the_site_and_the_links(hall: Hall) -> None:
    for workload in hall.workloads:
        for rule in rules(hall, workload, "Ingress"):
            peers = rule.get("from", [{}])
            if any("podSelector" not in peer for peer in peers):
                assert {port["port"] for port in rule["ports"]} <= DOORS, workload.name


def test_only_the_links_are_offered_outside_the_cluster(county: Hall, township: Hall) -> None:
    outside = {
        name: [port["name"] for port in service["ports"]]
        for name, service in county.services.items()
        if service.get("type", "ClusterIP") != "ClusterIP"
    }
    assert outside == {"hallnet-links": ["links"]}
    assert set(township.services) == {"hallnet-portal"}
    assert township.services["hallnet-portal"].get("type", "ClusterIP") == "ClusterIP"


def test_a_township_listens_for_its_site_and_its_kubelet_and_nothing_else(township: Hall) -> None:
    assert [set(item.ports) for item in township.containers] == [{"http", "health"}]


def test_no_policy_opens_the_port_for_the_kubelet(hall: Hall) -> None:
    opened = {
        port["port"]
        for workload in hall.workloads
        for direction in ("Ingress", "Egress")
        for rule in rules(hall, workload, direction)
        for port in rule["ports"]
    }
    offered = {
        port["targetPort"] for service in hall.services.values() for port in service["ports"]
    }
    numbers = {item.ports["health"] for item in hall.containers if "health" in item.ports}
    assert numbers
    assert (opened | offered).isdisjoint({"health", *numbers})


def test_every_pod_may_ask_for_names(hall: Hall) -> None:
    policy = hall.policies["resolve-names"]
    assert policy["podSelector"] == {}
    ports = {(port["port"], port["protocol"]) for port in policy["egress"][0]["ports"]}
    assert ports == {(53, "UDP"), (53, "TCP")}


def test_the_hall_may_dial_its_parent(hall: Hall) -> None:
    component = "exchange" if hall.overlay == "county" else "node"
    found = [
        port["port"]
        for rule in rules(hall, hall.workload(component), "Egress")
        if any("ipBlock" in peer for peer in rule["to"])
        for port in rule["ports"]
    ]
    assert 4222 in found


def test_every_service_of_a_big_hall_has_a_pod_of_its_own(county: Hall) -> None:
    assert sorted(item.component for item in county.workloads) == sorted(Service)


def test_every_policy_for_records_is_for_who_has_records(county: Hall) -> None:
    policy = county.policies["records"]
    having = {
        workload.component
        for workload in county.workloads
        if any(
            item["name"] == "HALLNET_DATABASE__URL"
            for container in workload.containers
            for item in container.body.get("env", ())
        )
    }
    selected = {
        item.component for item in county.workloads if selects(policy["podSelector"], item.labels)
    }
    assert having == selected == set(PARTS)
