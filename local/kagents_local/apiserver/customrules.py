"""The rules of kagents' own kinds beyond their schema: the same checks that the command line makes before
it sends."""

from kagents_core.api.constants import GROUP
from kagents_core.api.validation import FieldError, immutable_changes, validate
from kagents_local.apiserver.cells import find
from kagents_local.apiserver.entries import Object
from kagents_local.apiserver.errors import Cause
from kagents_local.apiserver.structural import shown


def broken(obj: Object, old: Object | None) -> list[Cause]:
    """What is wrong with a new object, or with a change of a stored one. Other groups' kinds have no such
    rules."""
    if not str(obj.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return []
    if old is None:
        return [_cause(error) for error in validate(obj)]
    if obj.get("spec") == old.get("spec"):
        return []
    # A stored object was accepted once: it may stay, so only what the change makes wrong is refused.
    known = {(error.field, error.message) for error in validate(old)}
    fresh = [error for error in validate(obj) if (error.field, error.message) not in known]
    frozen = [
        Cause(error.field, f"Forbidden: {error.message}", "FieldValueForbidden")
        for error in immutable_changes(old, obj)
        # Of an object that is wrong elsewhere, every default may look like a change.
        if find(old, f".{error.field}") != find(obj, f".{error.field}")
    ]
    return [*frozen, *(_cause(error) for error in fresh)]


def _cause(error: FieldError) -> Cause:
    if error.value is None:
        return Cause(error.field, f"Required value: {error.message}", "FieldValueRequired")
    return Cause(error.field, f"Invalid value: {shown(error.value)}: {error.message}")
