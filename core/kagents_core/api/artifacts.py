"""What agents make for others: artifacts that are declared, and inputs that are another agent's artifacts."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from kagents_core.api.fields import LABEL_PATTERN, Label, matches, matching, text_schema, without
from kagents_core.api.model import Spec

MOST_ARTIFACTS: Final = 16
"""Artifacts of one agent."""
MOST_INPUTS: Final = 16
"""Inputs of one teammate."""
MOST_OF_TEAM: Final = 128
"""Artifacts of all agents of a team: its status lists every one of them."""

_NAME: Final = LABEL_PATTERN.strip("^$")
SOURCE_PATTERN: Final = rf"^{_NAME}/{_NAME}$"
SOURCE_SENTENCE: Final = "an input is written AGENT/ARTIFACT, such as researcher/report"

PATH_FORBIDDEN: Final = r"^[/~-]|(^|/)\.{0,2}(/|$)|(^|/)\.git(/|$)|[\x00-\x1f\x7f\\*?\[\]]"
"""Absolute paths, empty and dotted parts, git's own files, patterns, and what is no plain name."""
PATH_SENTENCE: Final = (
    "the path of an artifact is relative to where its agent works, without empty, . and .. parts, .git, "
    "backslashes, patterns and control characters"
)


ArtifactPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(without(PATH_FORBIDDEN, PATH_SENTENCE)),
    text_schema((f"!{matches(PATH_FORBIDDEN)}", PATH_SENTENCE), longest=255),
]
ArtifactSource = Annotated[
    str,
    StringConstraints(min_length=3, max_length=127),
    AfterValidator(matching(SOURCE_PATTERN, SOURCE_SENTENCE)),
    text_schema(pattern=SOURCE_PATTERN, longest=127),
]


class Artifact(Spec):
    """A file or folder that an agent makes, and that is kept with its check sum when the agent has ended."""

    name: Label
    """Name of the artifact, unique among those of the agent."""
    path: ArtifactPath
    """The file or folder, relative to the agent's worktree or to the output folder."""


class AgentInput(Spec):
    """An artifact of another teammate, which is there, read-only, before this one starts."""

    source: Annotated[ArtifactSource, Field(alias="from")]
    """The teammate and its artifact: ``AGENT/ARTIFACT``; the teammate must have completed first."""

    @property
    def agent(self) -> str:
        """Who makes it."""
        return self.source.partition("/")[0]

    @property
    def artifact(self) -> str:
        """Its name there."""
        return self.source.partition("/")[2]
