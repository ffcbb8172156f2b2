"""Pods that cannot run as processes here, and the fields of others that have no effect. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kagents_local.kubelet.runs import pod_containers
from kagents_local.kubelet.status import Waiting

Object = Mapping[str, Any]

WITHOUT_EFFECT = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
"""Fields of a container that this kubelet does not act on; an event says so."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which container cannot run, and why. The pod stays Pending with this reason."""

    container: str
    waiting: Waiting


def refusal(pod: Object, runner_image: str) -> Refusal | None:
    """The first reason why this pod can never start here; None when it can."""
    for container in pod["spec"].get("initContainers") or ():
        if container.get("restartPolicy"):
            sentence = (
                "the embedded engine has no sidecars: restartPolicy of an init container must be absent"
            )
            return Refusal(container["name"], Waiting("NotSupported", sentence))
    for name, container in pod_containers(pod).items():
        image = container.get("image", "")
        if image != runner_image:
            sentence = (
                f'image "{image}" cannot run here: the embedded engine starts only "{runner_image}", '
                "as a process; use a cluster for other images"
            )
            return Refusal(name, Waiting("ErrImageNeverPull", sentence))
    return None


def without_effect(pod: Object) -> list[str]:
    """Fields of the pod that ask for something this kubelet does not do, as ``containers[name].field``."""
    containers = pod_containers(pod).items()
    return [f"{name}.{field}" for name, entry in containers for field in WITHOUT_EFFECT if entry.get(field)]
