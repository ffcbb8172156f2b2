"""How a write is to be done, and what becomes of fields that the server does not know."""

from dataclasses import dataclass, field

from kagents_local.apiserver.errors import bad_request
from kagents_local.apiserver.kinds import Kind


@dataclass(slots=True)
class WriteOptions:
    """How a write is to be done. ``warnings`` collects what the client is told in spite of success."""

    manager: str
    dry_run: bool = False
    field_validation: str = "Warn"
    force: bool = False
    subresource: str = ""
    warnings: list[str] = field(default_factory=list)


def refuse_unknown(kind: Kind, problems: list[str], options: WriteOptions) -> None:
    """Refuse, report or ignore unknown and duplicate fields, as ``fieldValidation`` says."""
    if not problems or options.field_validation == "Ignore":
        return
    if options.field_validation == "Strict":
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
            f"strict decoding error: {', '.join(problems)}"
        )
    options.warnings += [problem for problem in problems if problem not in options.warnings]
