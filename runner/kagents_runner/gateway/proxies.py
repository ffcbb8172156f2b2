"""The proxy that leads to an address, as the variables ``HTTPS_PROXY`` and ``NO_PROXY`` name it."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(address: str) -> str | None:
    """Its URL, or None where the way is direct. Looked up once: it costs more than a request may."""
    parts = urlsplit(address)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)
