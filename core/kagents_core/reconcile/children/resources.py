"""Requests and limits of containers: the team's own, and the installation's where the team says nothing."""

from kagents_core.api.agents import Resources


def resources_of(own: Resources | None, default: Resources) -> Resources:
    """The team's word on a resource replaces the default's request and limit of it together.

    Only one of them replaced could ask for more than it may use, which the API server refuses.
    """
    if own is None:
        return default
    named = {*own.requests, *own.limits}
    return Resources(
        requests={**_without(default.requests, named), **own.requests},
        limits={**_without(default.limits, named), **own.limits},
    )


def _without(amounts: dict[str, str], names: set[str]) -> dict[str, str]:
    return {name: amount for name, amount in amounts.items() if name not in names}
