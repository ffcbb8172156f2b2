"""``spec.repository``: the git repository of a coding team, and how its worktrees are made ready."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.fields import Branch, CommandPart, Flag, Label, ObjectName, RepositoryUrl, Whole
from kagents_core.api.model import Spec, map_list, refusal, rules

ORIGIN_IS_TAKEN = "origin is the repository itself; give the remote another name"


class Remote(Spec):
    """Another repository whose branches agents can look at."""

    model_config = ConfigDict(json_schema_extra=rules(("self.name != 'origin'", ORIGIN_IS_TAKEN)))

    name: Label
    """What git calls it; its branches are ``<name>/<branch>``."""
    url: RepositoryUrl
    """Where it is fetched from, once."""

    @model_validator(mode="after")
    def _not_origin(self) -> Self:
        if self.name == "origin":
            raise refusal(ORIGIN_IS_TAKEN, field="name", value=self.name)
        return self


class Repository(Spec):
    """The git repository of a coding team."""

    url: RepositoryUrl
    """Where it is cloned from: an https, http, ssh or file URL, or ``git@host:path``."""
    branch: Branch = "main"
    """Branch, tag or commit that the agents' worktrees start from."""
    credentials_secret: ObjectName | None = None
    """Secret with key ``token`` (https), ``ssh-privatekey`` (ssh) or those of a GitHub App."""
    worktree_strategy: Literal["per-teammate", "shared"] = "per-teammate"
    """Whether each agent has a worktree and a branch of its own, or all share one."""
    depth: Annotated[Whole, Field(ge=1, le=2147483647)] | None = None
    """How many commits of the history are cloned; all when absent."""
    remotes: Annotated[tuple[Remote, ...], Field(max_length=8, json_schema_extra=map_list("name"))] = ()
    """Further repositories, fetched once beside the clone."""
    submodules: Flag = True
    """Whether submodules are cloned too, when the repository has any."""
    lfs: Flag = True
    """Whether the large files of Git LFS are fetched too, when the repository has any."""
    agent_access: Literal["none", "fetch", "push"] = "none"
    """What agents may do with the repository while they work, through the hub's git proxy; ``push`` is their
    own branch alone."""
    setup_command: Annotated[tuple[CommandPart, ...], Field(max_length=64)] = ()
    """Program and arguments that are run once in every new worktree, before any agent starts; no shell."""
