"""What is deployed holds together, and is what the tools that read it take. Nothing is applied."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from raycluster_schema import RAY_CLUSTER

from cluster.events.rules import read_rules

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.31.0"
_SECRETS = {"bodyswap-redis", "bodyswap-store", "bodyswap"}
"""Those that the kustomization's text says how to make, and the one KubeRay makes."""

Document = dict[str, Any]


def _documents() -> list[Document]:
    listed = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())["resources"]
    return [
        document
        for name in listed
        for document in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())
    ]


def _named(kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in _documents() if each["kind"] == kind}


def _templates() -> Iterator[Document]:
    """The template of every pod that there will be."""
    for document in _documents():
        spec = document.get("spec", {})
        groups = [spec.get("headGroupSpec"), *spec.get("workerGroupSpecs", []), spec]
        yield from (group["template"] for group in groups if group and "template" in group)


def _found(value: object, key: str) -> Iterator[Any]:
    """Everything that lies under `key`, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from _found(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _found(inner, key)


@pytest.mark.parametrize(
    "document", _documents(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}"
)
def test_kubernetes_takes_each_object(document: Document) -> None:
    if document["kind"] != "RayCluster":
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
        return
    jsonschema.validate(document, RAY_CLUSTER)
    spec = document["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "PodTemplate", "template": group["template"]}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_secrets_are_named_and_never_written_down() -> None:
    for document in _documents():
        assert document["kind"] != "Secret"
        for reference in (*_found(document, "secretKeyRef"), *_found(document, "secretRef")):
            assert reference["name"] in _SECRETS
        for variables in _found(document, "env"):
            for variable in variables:
                is_secret = re.search("TOKEN|PASSWORD|SECRET|KEY", variable["name"])
                assert not (is_secret and "value" in variable), variable["name"]


def test_what_objects_refer_to_is_there() -> None:
    maps, accounts = _named("ConfigMap"), _named("ServiceAccount")
    for template in _templates():
        for reference in _found(template, "configMapRef"):
            assert reference["name"] in maps
        for volume in template["spec"].get("volumes", []):
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
        assert template["spec"].get("serviceAccountName", "bodyswap") in accounts
        mounted = {each["name"] for each in _found(template, "volumeMounts") for each in each}
        there = {volume["name"] for volume in template["spec"].get("volumes", [])}
        assert mounted <= there | {"data"}
    hosts = {*_named("Service"), "bodyswap-head-svc"}
    told = yaml.safe_dump_all(_documents())
    for host in re.findall(r"(?:RAY_HEAD\n\s+value|redisAddress): ([a-z-]+):\d+", told):
        assert host in hosts


def test_budgets_and_policies_are_about_pods_that_exist() -> None:
    labels = [template["metadata"]["labels"] for template in _templates()]
    # KubeRay's own, on every pod of the cluster.
    labels += [{"ray.io/cluster": "bodyswap", "ray.io/node-type": kind} for kind in
               ("head", "worker")]  # fmt: skip
    labels.append({"app": "prometheus"})
    for document in (*_named("PodDisruptionBudget").values(), *_named("NetworkPolicy").values()):
        for selector in _found(document, "matchLabels"):
            assert any(selector.items() <= each.items() for each in labels), selector
    closed = _named("NetworkPolicy")["bodyswap-closed"]
    assert "ingress" not in closed["spec"] and closed["spec"]["policyTypes"] == ["Ingress"]


def test_pods_run_as_nobody_special_and_say_what_they_need() -> None:
    for template in _templates():
        assert template["spec"]["securityContext"]["runAsNonRoot"] is True
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["resources"]["requests"]["memory"]
            assert "latest" not in container["image"]


def test_nobody_reaches_ray_without_the_token() -> None:
    cluster = _named("RayCluster")["bodyswap"]
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    (farm,) = _named("Deployment")["bodyswap-farm"]["spec"]["template"]["spec"]["containers"]
    named = {each["name"]: each for each in farm["env"]}
    assert named["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]["name"] == "bodyswap"


def test_a_shard_has_less_time_to_end_than_a_spot_machine_is_given_notice() -> None:
    groups = _named("RayCluster")["bodyswap"]["spec"]["workerGroupSpecs"]
    spot = next(group for group in groups if group["groupName"].endswith("spot"))
    spec = spot["template"]["spec"]
    (sleep,) = _found(spec, "preStop")
    asleep_s = int(sleep["exec"]["command"][-1].split()[-1])
    assert asleep_s < spec["terminationGracePeriodSeconds"] < 120


def test_prometheus_looks_for_services_that_exist_at_ports_that_they_have() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus-kubernetes.yml").read_text())
    services = _named("Service")
    for job in config["scrape_configs"]:
        (found,) = job["dns_sd_configs"]
        (name,) = found["names"]
        (port,) = services[name.split(".")[0]]["spec"]["ports"]
        assert port["port"] == found["port"]


def test_the_listeners_rules_are_rules(tmp_path: Path) -> None:
    in_map = _named("ConfigMap")["bodyswap-rules"]["data"]["rules.yaml"]
    (tmp_path / "rules.yaml").write_text(in_map)
    for path in (tmp_path / "rules.yaml", DEPLOY / "docker/rules.yaml"):
        assert read_rules(path).rules


def test_what_containers_are_told_to_run_is_what_the_command_line_has() -> None:
    from typer.main import get_command

    from cluster.cli.app import app

    compose = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())["services"]
    (listener,) = _named("Deployment")["bodyswap-listener"]["spec"]["template"]["spec"][
        "containers"
    ]
    (farm,) = _named("Deployment")["bodyswap-farm"]["spec"]["template"]["spec"]["containers"]
    script = (DEPLOY / "docker/farm-on-ray").read_text()
    words = re.search(r"exec bodyswap (.*) \"\$@\"", script)
    assert words and farm["command"] == ["farm-on-ray"]
    for arguments in (
        compose["farm"]["command"], compose["listener"]["command"], listener["args"],
        [*words[1].split(), *farm["args"]],
    ):  # fmt: skip
        command, rest = get_command(app), list(map(str, arguments))
        while hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, arguments


def _run(program: str, *arguments: object) -> None:
    path = Path(sys.executable).parent / program
    command = [str(path), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_is_sound() -> None:
    _run("hadolint", DEPLOY / "docker/Dockerfile")


def test_compose_takes_its_file() -> None:
    _run("check-jsonschema", "--builtin-schema", "vendor.compose-spec",
         DEPLOY / "docker/compose.yaml")  # fmt: skip


def test_every_secret_of_the_compose_file_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", (DEPLOY / "docker/compose.yaml").read_text()))
    given = {
        line.split("=")[0] for line in (DEPLOY / "docker/example.env").read_text().splitlines()
    }
    assert asked | {"S3_CONFIG"} <= given
