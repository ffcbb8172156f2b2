"""May the person do it? Asked once for each namespace and permission, when it is first of interest."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kagents_tui.actions import Action, Need
from kagents_tui.rows.fields import line

if TYPE_CHECKING:
    from kagents_core.kube.client import Client


@dataclass(slots=True)
class Permissions:
    """What is known of the person's rights. A question that cannot be asked counts as allowed: the API server
    refuses the act itself where it must."""

    known: dict[tuple[str, Need], str] = field(default_factory=dict)
    """Empty when allowed, else what is not; several actions may need the same."""

    def refusal(self, action: Action, namespace: str) -> str:
        """Why the action is off in the namespace, as far as is known; empty when it is not."""
        missing = self.known.get((namespace, action.needs), "") if action.needs else ""
        return line(f"{action.title} is off: {missing}", 300) if missing else ""

    async def learn(self, client: "Client", action: Action, namespace: str) -> str:
        """Asks the API server unless it is known already; the reason when it is refused, else empty."""
        need = action.needs
        if need is None:
            return ""
        if (namespace, need) not in self.known:
            from kagents_core.api import resources
            from kagents_core.kube.errors import ApiError

            try:
                answer = await client.can_i(
                    need.verb, getattr(resources, need.resource), namespace, need.subresource
                )
            except ApiError:
                return ""
            what = need.resource.lower().replace("_", "") + (
                f"/{need.subresource}" if need.subresource else ""
            )
            reason = f" ({answer.reason})" if answer.reason else ""
            missing = f"you may not {need.verb} {what} in {namespace}{reason}"
            self.known[namespace, need] = "" if answer.allowed else missing
        return self.refusal(action, namespace)
