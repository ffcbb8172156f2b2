"""A team's life as an OpenTelemetry trace: team, agent, turn, tool. Only where an endpoint is set.

``story`` makes spans of what the recorder learns anyway, without I/O; ``sender`` sends them beside the
recording and drops what nobody takes; ``wiring`` joins the two with the environment. Ids follow from the
team's UID, so what is told once more is the same span. No prompt, message, argument or output is ever told.
"""

from kagents_runner.record.tracing.spans import Span, span_id, trace_id
from kagents_runner.record.tracing.story import Story
from kagents_runner.record.tracing.wiring import Tracing, tracing

__all__ = ["Span", "Story", "Tracing", "span_id", "trace_id", "tracing"]
