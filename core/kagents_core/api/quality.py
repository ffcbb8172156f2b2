"""Checks that an agent's work has to pass before a task counts as completed and before the agent may end."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from kagents_core.api.fields import Duration, Flag, LongText, ShortText, Whole
from kagents_core.api.model import Spec, refusal, rules

COMMAND_NEEDS_TESTS = "testCommand has an effect only with requireTests: true"
COMMAND_NEEDS_LINT = "lintCommand has an effect only with requireLint: true"


class QualityGates(Spec):
    """Checks an agent's work has to pass; run in its working directory by its own pod."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!has(self.testCommand) || self.requireTests", COMMAND_NEEDS_TESTS),
            ("!has(self.lintCommand) || self.requireLint", COMMAND_NEEDS_LINT),
        )
    )

    require_tests: Flag = False
    """Whether tests must pass: ``testCommand``, or what the repository's root tells."""
    require_lint: Flag = False
    """Whether the linter must pass: ``lintCommand``, or what the repository's root tells."""
    validation_script: Annotated[LongText, Field(min_length=1)] | None = None
    """Script of ``sh`` that must succeed, such as ``./scripts/validate.sh``."""
    test_command: ShortText | None = None
    """Command of ``sh`` that runs the tests, such as ``make -C backend test``."""
    lint_command: ShortText | None = None
    """Command of ``sh`` that runs the linter."""
    max_rounds: Annotated[Whole, Field(ge=0, le=100)] = 3
    """How many failures in a row go back to the agent; one more ends it and so the team."""
    timeout: Duration = "15m"
    """How long each check may take."""

    @model_validator(mode="after")
    def _commands_have_an_effect(self) -> Self:
        if self.test_command is not None and not self.require_tests:
            raise refusal(COMMAND_NEEDS_TESTS, field="testCommand", value=self.test_command)
        if self.lint_command is not None and not self.require_lint:
            raise refusal(COMMAND_NEEDS_LINT, field="lintCommand", value=self.lint_command)
        return self
