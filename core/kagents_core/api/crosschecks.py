"""Rules between the agents of a team: dependencies, gates, harnesses, credentials, mount paths.

The API server enforces most of them too, by the CEL of :mod:`kagents_core.api.teamrules`; circles of more
than two teammates only here, because CEL has no recursion.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kagents_core.api import teamrules
from kagents_core.api.agents import AgentSpec, TeammateSpec
from kagents_core.api.artifactrules import artifact_problems
from kagents_core.api.authrules import credential_problems
from kagents_core.api.constants import LEAD
from kagents_core.api.equipment import McpServer, Plugin, Skill
from kagents_core.api.fielderrors import FieldError
from kagents_core.api.quality import QualityGates
from kagents_core.api.resultrules import result_problems
from kagents_core.api.team import AgentTeamSpec, Lifecycle, Workspace
from kagents_core.api.template import AgentTeamRunSpec, AgentTeamTemplateSpec
from kagents_core.instructions import layered
from kagents_core.simulation import check_script, parse_script, unknown_agents

MOST_PROMPT_BYTES: Final = 96 * 1024
TOO_MUCH_PROMPT: Final = (
    "the prompts of all agents together are larger than 96 KiB; move long texts into the repository or "
    "an input, and name the file here"
)
TOO_MUCH_SCRIPT: Final = "script and prompt of one agent together are larger than 96 KiB"
TOO_MUCH_INSTRUCTION: Final = (
    "the instructions of the team and of one agent, its prompt and script together are larger than 96 KiB; "
    "put what is long into a skill or a file"
)
TOO_MUCH_COMMAND: Final = (
    "the commands and variables of MCP servers, prompt and script of one agent together are larger than "
    "96 KiB; put what is long into a file of the image or the repository"
)
TOO_MUCH_VALIDATION: Final = (
    "validationScript, prompt and script of one agent together are larger than 96 KiB; put the script into "
    "the repository and name it here"
)


def team_problems(spec: AgentTeamSpec) -> list[FieldError]:
    """Every broken rule of a team whose fields are each well-formed."""
    agents = list(_agents(spec))
    problems = [
        *_place(spec),
        *_teammates(spec.teammates),
        *_gates(spec.lifecycle, spec.teammates),
        *_scripts(agents, spec.harness),
        *_parts(agents),
        *result_problems(agents),
        *artifact_problems(agents),
        *_sizes(agents, spec.quality_gates, spec.instructions or ""),
        *_mounts(spec.workspace),
        *_scopes(spec),
        *_skill_paths(spec, agents),
        *_doubles("spec.plugins", "name", [plugin.name for plugin in spec.plugins]),
    ]
    if spec.repository is None and spec.lifecycle.on_complete in ("create-pr", "push-branch"):
        where, value = "spec.lifecycle.onComplete", spec.lifecycle.on_complete
        problems.append(FieldError(where, value, teamrules.NEEDS_REPOSITORY))
    if spec.lifecycle.on_conflict == "lead" and not _joins_with_lead(spec):
        where = "spec.lifecycle.onConflict"
        problems.append(FieldError(where, "lead", teamrules.CONFLICT_NEEDS_LEAD))
    if not agents:
        problems.append(FieldError("spec", None, teamrules.NEEDS_AGENT))
    return [*problems, *credential_problems(spec.auth, agents, spec.harness)]


def _joins_with_lead(spec: AgentTeamSpec) -> bool:
    delivered = spec.lifecycle.on_complete in ("create-pr", "push-branch")
    apart = spec.repository is not None and spec.repository.worktree_strategy == "per-teammate"
    return spec.lead is not None and delivered and apart


def template_problems(spec: AgentTeamTemplateSpec) -> list[FieldError]:
    """Every broken rule of a template whose fields are each well-formed."""
    agents = [(f"spec.teammates[{index}]", each) for index, each in enumerate(spec.teammates)]
    return [
        *_teammates(spec.teammates),
        *_gates(spec.lifecycle, spec.teammates),
        *_sizes(agents, spec.quality_gates, spec.instructions or ""),
        *result_problems(agents),
        *artifact_problems(agents),
    ]


def run_problems(spec: AgentTeamRunSpec) -> list[FieldError]:
    """Every broken rule of a run whose fields are each well-formed; its template is not looked at."""
    harness = spec.harness or "claude-code"
    problems = [*_place(spec), *_mounts(spec.workspace)]
    if spec.lead is not None:
        problems += _scripts([("spec.lead", spec.lead)], harness)
        problems += credential_problems(spec.auth, [("spec.lead", spec.lead)], harness)
        problems += result_problems([("spec.lead", spec.lead)])
        problems += artifact_problems([("spec.lead", spec.lead)])
    if spec.lifecycle is not None:
        problems += _double_gates(spec.lifecycle)
    return problems


def _agents(spec: AgentTeamSpec) -> Iterator[tuple[str, AgentSpec]]:
    if spec.lead is not None:
        yield "spec.lead", spec.lead
    for index, teammate in enumerate(spec.teammates):
        yield f"spec.teammates[{index}]", teammate


def _sizes(
    agents: Sequence[tuple[str, AgentSpec]], quality: QualityGates | None, instructions: str
) -> Iterator[FieldError]:
    """Every agent is told of the whole team in one environment variable, which Linux limits to 128 KiB."""
    script = quality.validation_script if quality else None
    prompts = {f"{where}.prompt": _written(agent.prompt) for where, agent in agents}
    if sum(prompts.values()) > MOST_PROMPT_BYTES:
        longest = max(prompts, key=lambda where: prompts[where])
        yield FieldError(longest, None, TOO_MUCH_PROMPT)
    for where, agent in agents:
        own = _written(agent.script or "") + _written(agent.prompt)
        if told := _written(layered(instructions, agent.instructions)):
            own += told
            if own > MOST_PROMPT_BYTES:
                which = "spec" if agent.instructions is None else where
                yield FieldError(f"{which}.instructions", None, TOO_MUCH_INSTRUCTION)
                continue
        commands = sum(_written(text) for server in agent.mcp_servers for text in _told(server))
        if commands and own + commands > MOST_PROMPT_BYTES:
            yield FieldError(f"{where}.mcpServers", None, TOO_MUCH_COMMAND)
        if agent.script is not None and own > MOST_PROMPT_BYTES:
            yield FieldError(f"{where}.script", None, TOO_MUCH_SCRIPT)
        elif script is not None and own + _written(script) > MOST_PROMPT_BYTES:
            yield FieldError("spec.qualityGates.validationScript", None, TOO_MUCH_VALIDATION)
            return


def _told(server: McpServer) -> Iterator[str]:
    if server.command is not None:
        yield from (server.command, *server.args)
        yield from (each.value or "" for each in server.env)


def _written(text: str) -> int:
    """Bytes of a text inside a JSON document."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", errors="surrogatepass"))


def _place(spec: AgentTeamSpec | AgentTeamRunSpec) -> Iterator[FieldError]:
    if (spec.repository is None) == (spec.workspace is None):
        both = None if spec.repository is None else "repository, workspace"
        yield FieldError("spec", both, teamrules.NEEDS_PLACE)


def _scopes(spec: AgentTeamSpec) -> Iterator[FieldError]:
    shared = spec.repository is not None and spec.repository.worktree_strategy == "shared"
    for index, teammate in enumerate(spec.teammates):
        where, scope = f"spec.teammates[{index}].scope", teammate.scope
        if scope is not None and shared:
            yield FieldError(where, None, teamrules.SCOPE_NEEDS_WORKTREE)
        elif scope is not None and spec.repository is None and scope.on_violation != "report":
            where = f"{where}.onViolation"
            yield FieldError(where, scope.on_violation, teamrules.SCOPE_NEEDS_REPOSITORY)


def _skill_paths(spec: AgentTeamSpec, agents: Sequence[tuple[str, AgentSpec]]) -> Iterator[FieldError]:
    if spec.repository is not None:
        return
    folders: list[tuple[str, Sequence[Skill | Plugin]]] = [("spec.plugins", spec.plugins)]
    for where, agent in agents:
        folders += [(f"{where}.skills", agent.skills), (f"{where}.plugins", agent.plugins)]
    for where, entries in folders:
        for index, entry in enumerate(entries):
            if entry.source.path is not None:
                at = f"{where}[{index}].source.path"
                yield FieldError(at, entry.source.path, teamrules.SKILL_NEEDS_REPOSITORY)


def _teammates(teammates: Sequence[TeammateSpec]) -> Iterator[FieldError]:
    names = [teammate.name for teammate in teammates]
    for index, teammate in enumerate(teammates):
        at = f"spec.teammates[{index}]"
        if teammate.name in names[:index]:
            yield FieldError(f"{at}.name", teammate.name, "another teammate has this name")
        for position, needed in enumerate(teammate.depends_on):
            where = f"{at}.dependsOn[{position}]"
            if needed not in names:
                yield FieldError(where, needed, teamrules.UNKNOWN_DEPENDENCY)
            elif needed in teammate.depends_on[:position]:
                yield FieldError(where, needed, "this teammate is named twice")
        yield from _doubles(f"{at}.env", "name", [variable.name for variable in teammate.env])
    needs: dict[str, Sequence[str]] = {}
    for teammate in teammates:
        needs.setdefault(teammate.name, teammate.needs)
    circle = find_circle(needs)
    if circle:
        where = f"spec.teammates[{names.index(circle[0])}].dependsOn"
        path = " -> ".join((*circle, circle[0]))
        yield FieldError(where, path, teamrules.CYCLE)


def find_circle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The first circle of at least two names that wait for each other, in order, or an empty list.

    Names that nobody declares, and names that wait for themselves, are left to other rules.
    """
    done: set[str] = set()
    for start in needs:
        # Explicit stack of (name, names still to follow): a chain may be longer than Python's own stack.
        stack = [(start, iter(needs[start]))] if start not in done else []
        path = [name for name, _ in stack]
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                path.pop()
                done.add(name)
            elif following in path and following != name:
                return path[path.index(following) :]
            elif following in needs and following not in done and following != name:
                stack.append((following, iter(needs[following])))
                path.append(following)
    return []


def _gates(lifecycle: Lifecycle, teammates: Sequence[TeammateSpec]) -> Iterator[FieldError]:
    known = {"finish"} | {f"spawn-{teammate.name}" for teammate in teammates}
    for index, gate in enumerate(lifecycle.approval_gates):
        if gate.event not in known:
            where = f"spec.lifecycle.approvalGates[{index}].event"
            yield FieldError(where, gate.event, teamrules.UNKNOWN_GATE)
    yield from _double_gates(lifecycle)


def _double_gates(lifecycle: Lifecycle) -> Iterator[FieldError]:
    yield from _doubles(
        "spec.lifecycle.approvalGates", "event", [gate.event for gate in lifecycle.approval_gates]
    )


def _doubles(where: str, key: str, values: Sequence[str]) -> Iterator[FieldError]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield FieldError(f"{where}[{index}].{key}", value, "this entry is there twice")


def _scripts(agents: Sequence[tuple[str, AgentSpec]], harness: str) -> Iterator[FieldError]:
    for where, agent in agents:
        yield from _doubles(f"{where}.skills", "name", [skill.name for skill in agent.skills])
        yield from _doubles(f"{where}.plugins", "name", [plugin.name for plugin in agent.plugins])
        yield from _doubles(f"{where}.mcpServers", "name", [server.name for server in agent.mcp_servers])
        if where == "spec.lead":
            yield from _doubles(f"{where}.env", "name", [variable.name for variable in agent.env])
        # An agent that names claude-code itself is refused by its own model.
        if agent.script is not None and (agent.harness or harness) != "simulated":
            yield FieldError(f"{where}.script", None, teamrules.SCRIPT_NEEDS_SIMULATED)
        elif agent.script is not None:
            for problem in check_script(agent.script):
                yield FieldError(f"{where}.script", None, problem)


def _parts(agents: Sequence[tuple[str, AgentSpec]]) -> Iterator[FieldError]:
    """Scripts may name the team's own agents only: nobody else would ever answer."""
    known = {agent.name if isinstance(agent, TeammateSpec) else LEAD for _, agent in agents}
    for where, agent in agents:
        if agent.script is not None and not check_script(agent.script):
            for problem in unknown_agents(parse_script(agent.script), known):
                yield FieldError(f"{where}.script", None, problem)


def _mounts(workspace: Workspace | None) -> Iterator[FieldError]:
    if workspace is None:
        return
    paths = [
        (f"spec.workspace.inputs[{i}].mountPath", each.mount_path) for i, each in enumerate(workspace.inputs)
    ]
    if workspace.output is not None:
        paths.append(("spec.workspace.output.mountPath", workspace.output.mount_path))
    seen: set[str] = set()
    for where, path in paths:
        plain = path.rstrip("/")
        if plain in seen:
            yield FieldError(where, path, "another input or the output is mounted there")
        seen.add(plain)
