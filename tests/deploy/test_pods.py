"""How pods and containers are held: the rules of the restricted standard, and some of our own."""

from __future__ import annotations

import re

from tests.deploy.manifests import COMPONENT, MANIFESTS, NAME, OVERLAYS, PROBES, Hall, selects

USER = 65532
ONE_AT_A_TIME = {"intake", "exchange", "branch-sync", "notify", "node"}
"""Components with records: an old program must not meet the tables of a new one, and most of them keep
in memory whom they believe or send what waits."""


def test_every_container_runs_as_a_user_that_is_not_root(hall: Hall) -> None:
    for workload in hall.workloads:
        context = workload.pod["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"]) == (True, USER), workload.name
        assert (context["runAsGroup"], context["fsGroup"]) == (USER, USER), workload.name
    for container in hall.containers:
        own = container.body["securityContext"]
        assert own["runAsNonRoot"] is True, container.title
        assert own.get("runAsUser", USER) == USER, container.title


def test_every_root_filesystem_is_read_only(hall: Hall) -> None:
    for container in hall.containers:
        assert container.body["securityContext"]["readOnlyRootFilesystem"] is True, container.title


def test_no_container_gains_privileges(hall: Hall) -> None:
    for container in hall.containers:
        context = container.body["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, container.title
        assert not context.get("privileged"), container.title


def test_every_container_drops_all_capabilities(hall: Hall) -> None:
    for container in hall.containers:
        assert container.body["securityContext"]["capabilities"] == {"drop": ["ALL"]}, (
            container.title
        )


def test_every_pod_has_the_default_seccomp_profile(hall: Hall) -> None:
    for workload in hall.workloads:
        profile = workload.pod["securityContext"]["seccompProfile"]
        assert profile == {"type": "RuntimeDefault"}, workload.name


def test_no_pod_sees_its_host(hall: Hall) -> None:
    for workload in hall.workloads:
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            assert not workload.pod.get(field), workload.name
        assert not any("hostPath" in volume for volume in workload.volumes.values()), workload.name
    assert not any(
        "hostPort" in port
        for container in hall.containers
        for port in container.body.get("ports", ())
    )


def test_no_pod_has_a_token_of_its_service_account(hall: Hall) -> None:
    (account,) = hall.of_kind("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    for workload in hall.workloads:
        assert workload.pod["automountServiceAccountToken"] is False, workload.name
        assert workload.pod["serviceAccountName"] == account["metadata"]["name"], workload.name
    assert not hall.of_kind("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def test_the_namespace_enforces_the_restricted_standard(hall: Hall) -> None:
    (namespace,) = hall.of_kind("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    inside = {item["metadata"].get("namespace") for item in hall.objects} - {None}
    assert inside == {namespace["metadata"]["name"]}


def test_no_variable_of_a_service_can_pass_for_a_setting(hall: Hall) -> None:
    for workload in hall.workloads:
        assert workload.pod["enableServiceLinks"] is False, workload.name


def test_every_container_has_requests_and_limits(hall: Hall) -> None:
    for container in hall.containers:
        for bound in ("requests", "limits"):
            assert set(container.body["resources"][bound]) == {"cpu", "memory"}, container.title


def test_what_lies_in_memory_fits_into_the_memory_limit(hall: Hall) -> None:
    for workload in hall.workloads:
        for container in workload.containers:
            mounted = {mount["name"] for mount in container.body["volumeMounts"]}
            in_memory = [
                volume["emptyDir"]["sizeLimit"]
                for name, volume in workload.volumes.items()
                if name in mounted and volume.get("emptyDir", {}).get("medium") == "Memory"
            ]
            limit = container.body["resources"]["limits"]["memory"]
            assert sum(map(mebibytes, in_memory)) < mebibytes(limit), container.title


def test_every_empty_folder_has_a_bound(hall: Hall) -> None:
    for workload in hall.workloads:
        for name, volume in workload.volumes.items():
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), (workload.name, name)


def test_every_container_has_all_three_probes(hall: Hall) -> None:
    for container in hall.containers:
        assert set(PROBES) <= set(container.body), container.title


def test_who_serves_grpc_is_asked_over_grpc_whether_it_lives(hall: Hall) -> None:
    """At the port that tells health alone: at the other one a kubelet would need a certificate."""
    for container in hall.containers:
        asked = {kind: container.body[kind].get("grpc") for kind in PROBES}
        if "health" not in container.ports:
            assert container.title in ("hallnet-portal/hallnet", "hallnet-exchange/nats")
            assert not any(asked.values()), container.title
            continue
        at_health = {"port": container.ports["health"]}
        assert asked["startupProbe"] == asked["livenessProbe"] == at_health, container.title
        assert asked["readinessProbe"] == (None if "http" in container.ports else at_health)


def test_who_serves_people_is_asked_over_http_whether_it_is_ready(hall: Hall) -> None:
    serving = [item for item in hall.containers if "http" in item.ports]
    assert len(serving) == 1
    for container in serving:
        at_healthz = {"path": "/healthz", "port": "http"}
        assert container.body["readinessProbe"]["httpGet"] == at_healthz, container.title
        for kind in PROBES:
            assert container.body[kind].get("httpGet", at_healthz) == at_healthz, container.title


def test_only_the_message_server_is_asked_by_tcp(hall: Hall) -> None:
    for container in hall.containers:
        by_tcp = {kind for kind in PROBES if "tcpSocket" in container.body[kind]}
        assert by_tcp == (set(PROBES) if container.name == "nats" else set()), container.title
        for kind in by_tcp:
            assert container.body[kind]["tcpSocket"]["port"] in container.ports, container.title


def test_no_probe_ends_a_container_over_one_answer_that_is_late(hall: Hall) -> None:
    for container in hall.containers:
        probe = container.body["livenessProbe"]
        assert probe["failureThreshold"] > 1, container.title
        assert probe["failureThreshold"] * probe["periodSeconds"] >= 60, container.title


def test_every_pod_has_time_to_stop_in_order(hall: Hall) -> None:
    for workload in hall.workloads:
        pauses = [
            container.body.get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})
            for container in workload.containers
        ]
        longest = max(pause["seconds"] for pause in pauses)
        assert workload.pod["terminationGracePeriodSeconds"] >= longest + 20, workload.name


def test_what_has_records_never_runs_twice_at_once(hall: Hall) -> None:
    for workload in hall.workloads:
        if workload.component in ONE_AT_A_TIME:
            assert workload.replicas == 1, workload.name
            if workload.body["kind"] == "Deployment":
                assert workload.body["spec"]["strategy"] == {"type": "Recreate"}, workload.name


def test_what_has_replicas_is_spread_and_has_a_disruption_budget(hall: Hall) -> None:
    budgets = [item["spec"] for item in hall.of_kind("PodDisruptionBudget")]
    for workload in hall.workloads:
        matching = [item for item in budgets if selects(item["selector"], workload.labels)]
        if workload.replicas == 1:
            # A budget for a single pod either says nothing or stops every drain of its machine.
            assert not matching, workload.name
            continue
        (budget,) = matching
        assert 1 <= budget["minAvailable"] < workload.replicas, workload.name
        keys = {item["topologyKey"] for item in workload.pod["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, workload.name
        for constraint in workload.pod["topologySpreadConstraints"]:
            assert selects(constraint["labelSelector"], workload.labels), workload.name


def test_a_big_hall_has_something_with_replicas(county: Hall) -> None:
    assert [item.name for item in county.workloads if item.replicas > 1] == ["hallnet-portal"]


def test_every_image_is_pinned(hall: Hall) -> None:
    for container in hall.containers:
        image = container.body["image"]
        pinned = re.search(r"@sha256:[0-9a-f]{64}$", image) or re.search(
            r":\d+\.\d+\.\d+[a-z0-9.-]*$", image
        )
        assert pinned, image
        assert "/" in image, f"{image} names no registry"


def test_our_own_image_is_pinned_by_digest(hall: Hall) -> None:
    images = {item.body["image"] for item in hall.containers if item.name == "hallnet"}
    assert len(images) == 1
    assert "@sha256:" in images.pop()


def test_the_message_server_is_new_enough(county: Hall) -> None:
    (image,) = (item.body["image"] for item in county.containers if item.name == "nats")
    found = re.search(r"/nats:(\d+)\.(\d+)\.", image)
    # 2.12.5 and 2.12.6 let a dishonest server forge the messages of others.
    assert found is not None
    assert (int(found[1]), int(found[2])) >= (2, 15)


def test_every_object_bears_the_name_of_the_application(hall: Hall) -> None:
    for workload in hall.workloads:
        assert workload.labels[NAME] == "hallnet"
        assert selects(workload.body["spec"]["selector"], workload.labels), workload.name
        assert workload.body["metadata"]["labels"][COMPONENT] == workload.component


def test_no_two_workloads_claim_the_same_pods(hall: Hall) -> None:
    for one in hall.workloads:
        claimed = [
            other.name
            for other in hall.workloads
            if selects(one.body["spec"]["selector"], other.labels)
        ]
        assert claimed == [one.name]


def test_no_overlay_is_left_unchecked() -> None:
    assert {path.name for path in (MANIFESTS / "overlays").iterdir()} == set(OVERLAYS)


def mebibytes(quantity: str) -> int:
    """A quantity in Mi or Gi."""
    number, unit = int(quantity[:-2]), quantity[-2:]
    return number * {"Mi": 1, "Gi": 1024}[unit]
