"""What a caller may do. There are three roles and no policy objects: this is one person's machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.api.constants import GROUP
from kagents_local.apiserver.authentication import Identity
from kagents_local.apiserver.requests import Target

HUB_SERVICE_ACCOUNT: Final = "kagents-hub"
_READ: Final = ("get", "list", "watch")
_REVIEWS: Final = ("authentication.k8s.io", "authorization.k8s.io")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of what is allowed, in the shape of an RBAC rule; ``namespace`` empty means every one."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    namespace: str = ""
    excluded: tuple[str, ...] = ()

    def allows(self, target: Target) -> bool:
        """Whether this rule allows the target."""
        resource = f"{target.plural}/{target.subresource}" if target.subresource else target.plural
        return (
            ("*" in self.verbs or target.verb in self.verbs)
            and ("*" in self.groups or target.group in self.groups)
            and ("*" in self.resources or resource in self.resources)
            and resource not in self.excluded
            and self.namespace in ("", target.namespace)
        )

    def document(self) -> dict[str, Any]:
        """The rule as a SelfSubjectRulesReview shows it."""
        return {"verbs": list(self.verbs), "apiGroups": list(self.groups), "resources": list(self.resources)}


_REVIEW_RULE: Final = Rule(
    ("create",), _REVIEWS, ("selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews")
)
_ROLES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "admin": (Rule(("*",), ("*",), ("*",)),),
    "viewer": (Rule(_READ, ("*",), ("*",), excluded=("secrets", "pods/exec")), _REVIEW_RULE),
}


def rules_of(identity: Identity) -> tuple[Rule, ...]:
    """Everything that a caller may do."""
    if identity.role != "service-account":
        return _ROLES.get(identity.role, ())
    if identity.service_account != HUB_SERVICE_ACCOUNT:
        return (_REVIEW_RULE,)
    return (
        Rule(_READ, (GROUP,), ("agentteams",), identity.namespace),
        Rule(("patch",), (GROUP,), ("agentteams/status",), identity.namespace),
        _REVIEW_RULE,
    )


def allowed(identity: Identity, target: Target) -> bool:
    """Whether a caller may do what the target says."""
    return any(rule.allows(target) for rule in rules_of(identity))


def refusal(identity: Identity, target: Target) -> str:
    """Why not, in the words of RBAC."""
    resource = f"{target.plural}/{target.subresource}" if target.subresource else target.plural
    qualified = f"{target.plural}.{target.group}" if target.group else target.plural
    named = f'{qualified} "{target.name}"' if target.name else qualified
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    return (
        f'{named} is forbidden: User "{identity.user}" cannot {target.verb} resource "{resource}" '
        f'in API group "{target.group}" {where}'
    )
