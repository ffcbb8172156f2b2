"""Which addresses a team's URLs may lead to: public ones, and what the installation allows besides.

Whoever may write a team chooses a URL, and kagents stands where they may not: so addresses of the
cluster, of the node and of a cloud's metadata are refused. It is the address of the connection itself that
is looked at, whatever name led to it and whatever that name said before.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network

REFUSED = "its address is private, and this installation does not allow that"
EVERYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a NAT64."""


@dataclass(frozen=True, slots=True)
class PermittedAddresses:
    """The rule of one installation."""

    allowed: Sequence[Network] = ()

    def permits(self, text: str) -> bool:
        """Whether a connection to this numeric address may be made."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        for each in _meant(address):
            listed = any(each.version == network.version and each in network for network in self.allowed)
            public = each.is_global and not each.is_multicast and not each.is_reserved
            if not listed and not public:
                return False
        return True

    def socket(self, found: Any) -> socket.socket:
        """The socket of a connection to what ``getaddrinfo`` found. Raises ``OSError`` where it may not."""
        family, kind, protocol, _, address = found
        if not self.permits(str(address[0])):
            raise OSError(REFUSED)
        return socket.socket(family, kind, protocol)


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 ones that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _TRANSLATED:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    return [address]
