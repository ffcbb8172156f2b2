"""``kagents-controller``: reconciles teams on a cluster."""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from importlib.metadata import version
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationError

from kagents_controller.controller import Controller
from kagents_controller.definitions import warn_of_old_definitions
from kagents_controller.health import serve
from kagents_controller.lease import Election, LeaseLost
from kagents_controller.logs import log_json
from kagents_controller.notifications import Notifier
from kagents_controller.team_network import TeamNetwork
from kagents_controller.webhook_keys import WebhookKeys
from kagents_core.api.agents import Resources
from kagents_core.kube.addresses import Network, PermittedAddresses
from kagents_core.kube.client import Client
from kagents_core.kube.config import ClientConfig, load_default, load_kubeconfig
from kagents_core.kube.errors import ConfigError
from kagents_core.kube.garbage import settle
from kagents_core.reconcile import Settings

_log = logging.getLogger(__name__)

_WATCHES = 7
"""Connections that the watches of one namespace, or of all, hold."""

_REQUESTS = 32
"""Requests on their way at once. A TLS connection holds 256 KiB, and no server is faster for more of them."""

_SETTLE_SECONDS = 3.0
"""After the first lists: what waited for a controller comes first."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="kagents-controller",
        description="Reconciles AgentTeams, AgentTeamRuns and AgentTeamTemplates: makes their pods, "
        "enforces gates, timeouts and budgets, writes their status.",
        epilog="With --agent-port or --hub-port, network policies are made where teams are: nothing comes "
        "in, DNS and these ports go out. Resources are written as in a container: "
        '{"requests": {"memory": "256Mi"}, "limits": {"memory": "2Gi"}}. '
        "Exit codes: 0 stopped by a signal, 1 lost the lease, 2 wrong use or configuration.",
    )
    add = made.add_argument
    add("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, ~/.kube/config, the pod's account")
    add("--context", metavar="NAME", help="kubeconfig context (default: the current one)")
    add("--namespace", metavar="NAME", action="append", help="work in this one only; may be repeated")
    add("--runner-image", metavar="IMAGE", required=True, help="image with kagents-runner and claude")
    add("--image-pull-policy", choices=("Always", "IfNotPresent", "Never"), default="IfNotPresent")
    add("--hub-service-account", metavar="NAME", default="kagents-hub", help="of hub pods")
    add("--hub-cluster-role", metavar="NAME", help="make that account where teams are, bound to this role")
    add(
        "--agent-resources",
        metavar="JSON",
        type=_resources,
        default=Resources(),
        help="of agents, by default",
    )
    add("--hub-resources", metavar="JSON", type=_resources, default=Resources(), help="of hubs")
    add("--agent-port", metavar="PORT", type=_port, action="append", help="that agents may reach; see below")
    add("--hub-port", metavar="PORT", type=_port, action="append", help="that hubs may reach; see below")
    add(
        "--webhook-keys",
        metavar="DIR",
        type=Path,
        help="keys that webhooks are signed with, a file a namespace",
    )
    add(
        "--webhook-network",
        metavar="CIDR",
        type=_cidr,
        action="append",
        default=[],
        help="private addresses that webhooks may be sent to; may be repeated",
    )
    add(
        "--registry-network",
        metavar="CIDR",
        type=_cidr,
        action="append",
        default=[],
        help="private addresses that registries of skills may have; may be repeated",
    )
    add(
        "--usage-days",
        metavar="DAYS",
        type=_days,
        default=400,
        help="how long records of usage are kept after their team's end (400); 0 keeps them for ever",
    )
    add("--tracing-endpoint", metavar="URL", default="", help="OTLP/HTTP, for teams that name none")
    add("--tracing-headers-secret", metavar="NAME", default="", help="in the team's namespace, for that")
    add("--workers", metavar="N", type=_positive, default=16, help="objects reconciled at once (16)")
    add("--lease-name", metavar="NAME", help="elect a leader by this Lease (default: no election)")
    add("--lease-namespace", metavar="NAME", help="where the Lease is (default: the own namespace)")
    add("--health-address", metavar="HOST", default="0.0.0.0", help="of probes and metrics")  # noqa: S104
    add("--health-port", metavar="PORT", type=int, default=8081, help="8081; 0 turns it off")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    add("--version", action="version", version=f"kagents-controller {version('kagents')}")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal; returns the exit code."""
    options = parser().parse_args(arguments)
    log_json(options.log_level)
    try:
        named = options.kubeconfig or options.context
        config = load_kubeconfig(options.kubeconfig, options.context) if named else load_default()
        return asyncio.run(_run(config, options))
    except ConfigError as error:
        return _refuse(str(error))
    except OSError as error:
        place = f"{options.health_address}:{options.health_port}"
        return _refuse(f"cannot serve health on {place}: {error.strerror}")


async def _run(config: ClientConfig, options: argparse.Namespace) -> int:
    gc.disable()  # the first lists make many objects and no garbage; ``settle`` turns it on again
    asyncio.get_running_loop().call_later(120.0, gc.enable)
    connections = _REQUESTS + _WATCHES * len(options.namespace or [None])
    async with Client(config, connections=connections) as client, contextlib.AsyncExitStack() as stack:
        lease = None
        if options.lease_name:
            identity = f"{socket.gethostname()}_{os.getpid()}"
            place = options.lease_namespace or config.namespace
            lease = Election(client, place, options.lease_name, identity)
        controller = Controller(
            client,
            settings=Settings(
                runner_image=options.runner_image,
                image_pull_policy=options.image_pull_policy,
                hub_service_account=options.hub_service_account,
                agent_resources=options.agent_resources,
                hub_resources=options.hub_resources,
                tracing_endpoint=options.tracing_endpoint,
                tracing_headers_secret=options.tracing_headers_secret,
                registry_networks=tuple(str(each) for each in options.registry_network),
            ),
            namespaces=options.namespace,
            workers=options.workers,
            hub_cluster_role=options.hub_cluster_role,
            network=_network(options),
            notifier=Notifier(
                keys=WebhookKeys(options.webhook_keys),
                addresses=PermittedAddresses(options.webhook_network),
            ),
            lease=lease,
            usage_days=options.usage_days,
            on_synced=_settle_later,
        )
        if options.health_port:
            served = serve(controller, options.health_address, options.health_port)
            await stack.enter_async_context(served)
        _log.info("starting", extra={"server": config.server, "namespaces": options.namespace or "all"})
        async with asyncio.TaskGroup() as group:
            compared = group.create_task(warn_of_old_definitions(client))
            code = await _until_signal(controller)
            compared.cancel()
        return code


def _settle_later() -> None:
    asyncio.get_running_loop().call_later(_SETTLE_SECONDS, settle)


async def _until_signal(controller: Controller) -> int:
    running = asyncio.create_task(controller.run())
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    signalled = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if not running.done():
        _log.info("stopping")
        await controller.stop()
        await asyncio.wait({running}, timeout=5.0)
        running.cancel()
        await asyncio.wait({running})
    code = 0
    try:
        if not running.cancelled():
            running.result()
    except* LeaseLost as lost:
        _log.error("stopped working", extra={"error": str(_first(lost))})
        code = 1
    return code


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _refuse(message: str) -> int:
    sys.stderr.write(f"kagents-controller: {message}\n")
    return 2


def _network(options: argparse.Namespace) -> TeamNetwork | None:
    if options.agent_port is None and options.hub_port is None:
        return None
    return TeamNetwork(options.agent_port or (), options.hub_port or ())


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, not {text}")
    return number


def _cidr(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _resources(text: str) -> Resources:
    """``{"requests": {…}, "limits": {…}}``; amounts may be numbers, as in YAML."""
    try:
        document = json.loads(text)
        as_text = {
            part: {name: str(amount) for name, amount in amounts.items()}
            for part, amounts in document.items()
        }
        return Resources.model_validate(as_text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise argparse.ArgumentTypeError(f"{place}: {first['msg']}") from None
    except (ValueError, AttributeError):
        raise argparse.ArgumentTypeError(f"not a JSON object of requests and limits: {text[:80]}") from None


def _days(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 36500:
        raise argparse.ArgumentTypeError(f"must be a number of days up to 36500, not {text}")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
