"""How the hub's other containers, which serve agents, learn that the team is over: a mark of the recorder."""

from typing import Any

from kagents_core.reconcile.children.pods import Environment

OVER_DIR = "/kagents/over"
OVER_MOUNT: dict[str, Any] = {"name": "over", "mountPath": OVER_DIR}
OVER_VOLUME: dict[str, Any] = {"name": "over", "emptyDir": {}}
OVER_PLACE: Environment = [{"name": "KAGENTS_OVER_DIR", "value": OVER_DIR}]
