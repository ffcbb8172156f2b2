"""The network namespace of the node: a veth pair for its address, and a way back to the host."""

from pathlib import Path

from processes import inside, run
from settings import HOST_IP, NAMESPACE, NODE_IP, PREFIX, SUBNET

HOST_SIDE = f"kagents-host{SUBNET}"
NODE_SIDE = "kagents-node"


def exists() -> bool:
    return Path(f"/run/netns/{NAMESPACE}").exists()


def create() -> None:
    """Make namespace, link and routes; a half-made one of a failed start is removed first."""
    if exists():
        delete()
    run(["ip", "netns", "add", NAMESPACE])
    run(["ip", "link", "add", HOST_SIDE, "type", "veth", "peer", "name", NODE_SIDE, "netns", NAMESPACE])
    run(["ip", "addr", "add", f"{HOST_IP}/{PREFIX}", "dev", HOST_SIDE])
    run(["ip", "link", "set", HOST_SIDE, "up"])
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", f"{NODE_IP}/{PREFIX}", "dev", NODE_SIDE],
        ["ip", "link", "set", NODE_SIDE, "up"],
        ["ip", "route", "add", "default", "via", HOST_IP],
    ):
        run(inside(command))
    for name in ("net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables"):
        run(inside(["sysctl", "-qw", f"{name}=1"]), check=False)


def delete() -> None:
    """Remove it all; what is missing already is fine."""
    run(["ip", "netns", "delete", NAMESPACE], check=False)
    run(["ip", "link", "delete", HOST_SIDE], check=False)
