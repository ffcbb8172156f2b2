"""What the gateway's server wants of identity and meter: the shapes, and the refusals they raise."""

from typing import Protocol

from kagents_runner.gateway.tokens import Counts


class UnknownCaller(Exception):  # noqa: N818 - a refusal, no fault
    """Whoever asks is no agent of this team, or not the one that runs today."""


class CallersNotKnownYet(Exception):  # noqa: N818 - a refusal, no fault
    """Nobody can tell yet who somebody is: the cluster has not told the keys that it signs tokens with."""


class BudgetExhausted(Exception):  # noqa: N818 - a refusal, no fault
    """Nothing more may be spent; ``sentence`` says of what and how to go on."""

    def __init__(self, sentence: str) -> None:
        """The sentence for the agent and the person behind it."""
        super().__init__(sentence)
        self.sentence = sentence


class Ticket(Protocol):
    """One admitted request, from before it is sent until its answer has ended."""

    def opened(self, response_id: str, counts: Counts) -> None:
        """The first usage has arrived."""

    async def closed(self, state: str, counts: Counts | None) -> None:
        """It has ended: ``complete``, ``aborted`` or ``failed``; None: no usage arrived. Exactly once.

        What is counted is written before this first waits for anything.
        """


class Meter(Protocol):
    """Who may ask the model for something."""

    async def admit(self, agent: str, *, model: str, estimate_micros: int) -> Ticket:
        """Waits until the request fits into the budget. Raises ``BudgetExhausted``."""


class Identities(Protocol):
    """Who somebody is."""

    async def agent_of(self, authorization: str) -> str:
        """The agent that this header's token is of. Raises ``UnknownCaller``, ``CallersNotKnownYet``."""
