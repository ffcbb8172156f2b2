"""The text types of the API: each checked in Python and, from the same pattern, by the API server."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints, WithJsonSchema

from kagents_core.api import quantities

LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
"""RFC 1123 label, as Kubernetes uses it; at most 63 characters."""

SUBDOMAIN_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

_HOST: Final = r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])"
_USER: Final = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*)"
REPOSITORY_PATTERN: Final = (
    rf"^(https?://{_HOST}(:[0-9]{{1,5}})?(/[!-~]*)?"
    rf"|ssh://({_USER}@)?{_HOST}(:[0-9]{{1,5}})?/[!-~]+"
    rf"|file://(localhost)?/[!-~]+"
    rf"|{_USER}@{_HOST}:[!-,.-~][!-~]*)$"
)
"""https, http, ssh, file, and ``user@host:path``; no password, no space, no option of git."""

BRANCH_FORBIDDEN: Final = r"^-|^@$|^/|/$|//|\.\.|\.$|(^|/)\.|\.lock(/|$)|@\{|[\x00-\x20\x7f~^:?*\[\\]"
"""What a branch name must not contain, by the rules of ``git check-ref-format --branch``."""

MOUNT_FORBIDDEN: Final = (
    r"^[^/]|^/*$|//|(^|/)\.{1,2}(/|$)|[\x00-\x1f\x7f:]|^/(kagents|kagents-skills|tmp|proc|sys|dev|etc)(/|$)"
)
WEB_PATTERN: Final = rf"^https?://{_HOST}(:[0-9]{{1,5}})?([/?#][!-~]*)?$"
ENVIRONMENT_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
RESERVED_PREFIX: Final = "KAGENTS_"
RESERVED_ENVIRONMENT: Final = (
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_OAUTH_TOKEN",
    "HOME",
)
TEMPLATE_PATTERN: Final = r"^([^{]|\{[^{]|\{\{ ?\.(TeamName|Namespace) ?\}\})*\{?$"
"""Text in which ``{{ .TeamName }}`` and ``{{ .Namespace }}`` stand for what they say; nothing else does."""

_PART: Final = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
ARTIFACT_PATTERN: Final = (
    r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?|[A-Za-z0-9-]+:[0-9]{1,5}|localhost)"
    rf"(/{_PART})+(:[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}(@sha256:[0-9a-f]{{64}})?|@sha256:[0-9a-f]{{64}})$"
)
FOLDER_FORBIDDEN: Final = r"^/|/$|//|(^|/)(\.{1,2}|\.git)(/|$)|[\x00-\x1f\x7f]"
EVENT_PATTERN: Final = r"^(finish|spawn-[a-z0-9]([-a-z0-9]*[a-z0-9])?)$"
MODEL_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@/\[\]-]*$"
IMAGE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$"

LABEL_SENTENCE: Final = (
    "a name has 1 to 63 lower case letters, digits and dashes, and starts and ends with a letter or digit"
)
SUBDOMAIN_SENTENCE: Final = "the name of a Kubernetes object has lower case letters, digits, dashes and dots"
REPOSITORY_SENTENCE: Final = (
    "a repository is an https, http, ssh or file URL or git@host:path, without password; "
    "credentials belong in credentialsSecret"
)
BRANCH_SENTENCE: Final = "git does not allow this as the name of a branch"
MOUNT_SENTENCE: Final = (
    "a mount path is absolute, without . or .. parts, and not in /kagents, /kagents-skills, /tmp, /proc, "
    "/sys, /dev or /etc"
)
ARTIFACT_SENTENCE: Final = (
    "an artifact is registry/repository:tag or registry/repository@sha256:digest, such as "
    "registry.example.com/team/skill:1.0"
)
FOLDER_SENTENCE: Final = "a folder of the repository is a relative path without . or .. parts, and not .git"
WEB_SENTENCE: Final = "an address starts with https:// or http:// and names a host"
ENVIRONMENT_SENTENCE: Final = "a variable's name has letters, digits and underscores and no digit first"
RESERVED_ENVIRONMENT_SENTENCE: Final = "kagents sets this variable itself; credentials belong in spec.auth"
TEMPLATE_SENTENCE: Final = "only {{ .TeamName }} and {{ .Namespace }} can be filled in here"
EVENT_SENTENCE: Final = "a gate's event is spawn-<teammate> or finish"
MODEL_SENTENCE: Final = "a model is a name such as opus, sonnet or haiku, or a full model id"
IMAGE_SENTENCE: Final = "an image is a reference such as registry.example.com/agent:1.0"
DURATION_SENTENCE: Final = "a duration is written in hours, minutes and seconds, such as 2h, 90s or 1h30m"
MONEY_SENTENCE: Final = "an amount is more than zero US dollars with a decimal point, such as 30.00"
QUANTITY_SENTENCE: Final = "a quantity is a number above zero with a Kubernetes unit, such as 5Gi or 500m"


def _whole(pattern: str) -> re.Pattern[str]:
    """The pattern with ``$`` meaning the very end, as it does in RE2 and not in Python."""
    return re.compile(pattern.replace("$", r"\Z"))


def _matching(pattern: str, sentence: str) -> Callable[[str], str]:
    compiled = _whole(pattern)

    def check(text: str) -> str:
        if not compiled.search(text):
            raise ValueError(sentence)
        return text

    return check


def _without(pattern: str, sentence: str) -> Callable[[str], str]:
    compiled = _whole(pattern)

    def check(text: str) -> str:
        if compiled.search(text):
            raise ValueError(sentence)
        return text

    return check


def _parsing(parse: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        parse(text)
        return text

    return check


def _not_reserved(name: str) -> str:
    if name.startswith(RESERVED_PREFIX) or name in RESERVED_ENVIRONMENT:
        raise ValueError(RESERVED_ENVIRONMENT_SENTENCE)
    return name


def _schema(*checks: tuple[str, str], longest: int, pattern: str | None = None) -> WithJsonSchema:
    """A text schema with CEL rules, pairs of (expression over ``self``, sentence), or a pattern.

    A pattern costs nothing of the budget that the API server sets for rules, so texts that occur in long
    lists have one; a rule has the plainer sentence.
    """
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": longest}
    if pattern is not None:
        schema["pattern"] = pattern
    if checks:
        schema["x-kubernetes-validations"] = [
            {"rule": rule, "message": sentence} for rule, sentence in checks
        ]
    return WithJsonSchema(schema)


def matches(pattern: str) -> str:
    """The CEL expression that is true when ``self`` matches."""
    return f"self.matches(r'{pattern}')"


Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
"""An integer; a text of digits is refused, as the API server does."""

Prompt = Annotated[str, StringConstraints(min_length=1, max_length=131072)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Instructions = Annotated[str, StringConstraints(min_length=1, max_length=16384)]
LongText = Annotated[str, StringConstraints(max_length=65536)]

Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=63),
    AfterValidator(_matching(LABEL_PATTERN, LABEL_SENTENCE)),
    _schema(pattern=LABEL_PATTERN, longest=63),
]
ObjectName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    AfterValidator(_matching(SUBDOMAIN_PATTERN, SUBDOMAIN_SENTENCE)),
    _schema(pattern=SUBDOMAIN_PATTERN, longest=253),
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
"""A key of a Secret or ConfigMap."""

Duration = Annotated[
    str,
    AfterValidator(_parsing(quantities.parse_duration)),
    _schema(
        (f"{matches(quantities.DURATION_PATTERN)} && self.matches('[1-9]')", DURATION_SENTENCE), longest=24
    ),
]
Money = Annotated[
    str,
    AfterValidator(_parsing(quantities.parse_money)),
    _schema((f"{matches(quantities.MONEY_PATTERN)} && self.matches('[1-9]')", MONEY_SENTENCE), longest=16),
]
StorageSize = Annotated[
    str,
    AfterValidator(quantities.check_quantity),
    _schema(
        (f"{matches(quantities.QUANTITY_PATTERN)} && self.matches('[1-9]')", QUANTITY_SENTENCE), longest=28
    ),
]


def _text_of_number(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ResourceAmount = Annotated[
    str,
    BeforeValidator(_text_of_number),
    AfterValidator(quantities.check_quantity),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
]
"""An amount of a container's resource; Kubernetes also takes a bare number."""

RepositoryUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048),
    AfterValidator(_matching(REPOSITORY_PATTERN, REPOSITORY_SENTENCE)),
    _schema((matches(REPOSITORY_PATTERN), REPOSITORY_SENTENCE), longest=2048),
]
Branch = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_without(BRANCH_FORBIDDEN, BRANCH_SENTENCE)),
    _schema((f"!{matches(BRANCH_FORBIDDEN)}", BRANCH_SENTENCE), longest=255),
]
Template = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_matching(TEMPLATE_PATTERN, TEMPLATE_SENTENCE)),
    _schema((matches(TEMPLATE_PATTERN), TEMPLATE_SENTENCE), longest=255),
]


def filled(template: str, *, team: str, namespace: str) -> str:
    """The template with its names filled in."""
    values = {"TeamName": team, "Namespace": namespace}
    return re.sub(r"\{\{ ?\.(TeamName|Namespace) ?\}\}", lambda found: values[found[1]], template)


def _branch_template(text: str) -> str:
    _without(BRANCH_FORBIDDEN, BRANCH_SENTENCE)(filled(text, team="team", namespace="namespace"))
    return text


_FILLED: Final = "".join(
    f".replace('{{{{{space}.{name}{space}}}}}', 'x')"
    for name in ("TeamName", "Namespace")
    for space in (" ", "")
)
BranchTemplate = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_matching(TEMPLATE_PATTERN, TEMPLATE_SENTENCE)),
    AfterValidator(_branch_template),
    _schema(
        (matches(TEMPLATE_PATTERN), TEMPLATE_SENTENCE),
        (f"!self{_FILLED}.matches(r'{BRANCH_FORBIDDEN}')", BRANCH_SENTENCE),
        longest=255,
    ),
]
MountPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    AfterValidator(_without(MOUNT_FORBIDDEN, MOUNT_SENTENCE)),
    _schema((f"!{matches(MOUNT_FORBIDDEN)}", MOUNT_SENTENCE), longest=512),
]
WebAddress = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048),
    AfterValidator(_matching(WEB_PATTERN, WEB_SENTENCE)),
    _schema(pattern=WEB_PATTERN, longest=2048),
]
VariableName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    AfterValidator(_matching(ENVIRONMENT_PATTERN, ENVIRONMENT_SENTENCE)),
    AfterValidator(_not_reserved),
    _schema(
        (
            f"!self.startsWith('{RESERVED_PREFIX}') && !(self in {list(RESERVED_ENVIRONMENT)})",
            RESERVED_ENVIRONMENT_SENTENCE,
        ),
        pattern=ENVIRONMENT_PATTERN,
        longest=128,
    ),
]
GateEvent = Annotated[
    str,
    StringConstraints(min_length=1, max_length=69),
    AfterValidator(_matching(EVENT_PATTERN, EVENT_SENTENCE)),
    _schema(pattern=EVENT_PATTERN, longest=69),
]
ModelName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256),
    AfterValidator(_matching(MODEL_PATTERN, MODEL_SENTENCE)),
    _schema(pattern=MODEL_PATTERN, longest=256),
]
Image = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    AfterValidator(_matching(IMAGE_PATTERN, IMAGE_SENTENCE)),
    _schema(pattern=IMAGE_PATTERN, longest=512),
]
Artifact = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_matching(ARTIFACT_PATTERN, ARTIFACT_SENTENCE)),
    _schema((matches(ARTIFACT_PATTERN), ARTIFACT_SENTENCE), longest=255),
]
FolderPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_without(FOLDER_FORBIDDEN, FOLDER_SENTENCE)),
    _schema((f"!{matches(FOLDER_FORBIDDEN)}", FOLDER_SENTENCE), longest=255),
]
PathText = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
CommandPart = Annotated[str, StringConstraints(min_length=1, max_length=8192)]
"""A program or an argument."""
Amounts = Annotated[dict[str, ResourceAmount], Field(max_length=16)]

matching, without, text_schema = _matching, _without, _schema
"""For text types that are declared beside what they are for."""
