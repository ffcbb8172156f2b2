"""Tokens in the volumes of running pods are replaced before they expire, as a kubelet of a cluster does."""

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_local.kubelet.layout import KubeletLayout
from kagents_local.kubelet.volumes import TOKEN_SOURCE, TOKEN_VOLUME, IssueToken, issued, mounts_token

log = logging.getLogger(__name__)

Object = Mapping[str, Any]

SPENT: Final = 0.8
"""The part of its life after which a token is replaced."""
_ENDED: Final = ("Succeeded", "Failed")
_TOKEN_LIMIT: Final = 64 * 1024


class TokenRotation:
    """Looks after the token files of all pods. What is due is read from the tokens themselves, so that those
    of an earlier engine are replaced too."""

    def __init__(self, layout: KubeletLayout, issue_token: IssueToken, seconds: float) -> None:
        """``seconds`` pass between two looks."""
        self._layout = layout
        self._issue_token = issue_token
        self._seconds = seconds
        self._due: dict[Path, float] = {}

    async def run(self, ready: asyncio.Event, pods: Callable[[], Iterable[Object]]) -> None:
        """Looks after them once there are ``pods``, until cancelled; by the clock of the wall, which goes on
        while a machine sleeps."""
        await ready.wait()
        while True:
            try:
                self.rotate(pods(), time.time())
            except OSError as error:
                log.warning("tokens are not replaced yet: %s", error)
            await asyncio.sleep(self._seconds)

    def rotate(self, pods: Iterable[Object], now: float) -> int:
        """Replaces the tokens that are due in volumes which have been made; how many those were."""
        known, self._due = self._due, {}
        replaced = 0
        for pod in pods:
            for path, source in self._files(pod):
                due = known.get(path)
                if due is None:
                    due = _due(path)
                if due is not None and due <= now:
                    replace_file(path, issued(self._issue_token, pod, source).encode(), mode=0o600)
                    due, replaced = _due(path), replaced + 1
                if due is not None:
                    self._due[path] = due
        return replaced

    def _files(self, pod: Object) -> Iterator[tuple[Path, Object]]:
        if (pod.get("status") or {}).get("phase") in _ENDED:
            return
        layout = self._layout.pod(pod["metadata"]["uid"])
        if mounts_token(pod):
            yield layout.volume(TOKEN_VOLUME) / str(TOKEN_SOURCE["path"]), TOKEN_SOURCE
        for volume in pod["spec"].get("volumes") or ():
            for source in (volume.get("projected") or {}).get("sources") or ():
                if token := source.get("serviceAccountToken"):
                    yield layout.volume(volume["name"]) / token["path"], token


def _due(path: Path) -> float | None:
    """When the token of this file is to be replaced; at once when nobody can tell; None without a file."""
    try:
        text = read_bounded(path, _TOKEN_LIMIT)
    except FileNotFoundError:
        return None
    except OSError:
        return 0.0
    try:
        part = text.split(b".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
        start = float(claims["iat"])
        end = float(claims["kubernetes.io"].get("warnafter", claims["exp"]))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return 0.0
    return start + (end - start) * SPENT
