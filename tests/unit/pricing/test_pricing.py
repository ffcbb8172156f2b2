"""The price table: against the real CLI's own sum, by date, by prompt length, and for models nobody knows."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.pricing import Tokens, known_models, price

SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks/transcript"
counts = st.integers(min_value=0, max_value=10**9)
tokens = st.builds(Tokens, counts, counts, counts, counts, counts)


def test_it_agrees_with_the_sum_the_real_cli_wrote() -> None:
    state = json.loads((SAMPLES / "cost_state.json").read_text())
    usage = state["modelUsage"]["claude-sonnet-4-6"]
    used = Tokens(
        usage["inputTokens"],
        usage["outputTokens"],
        usage["cacheReadInputTokens"],
        usage["cacheCreationInputTokens"],
    )
    assert price("claude-sonnet-4-6", used).micros == -(-round(usage["costUSD"] * 1e8) // 100)


@pytest.mark.parametrize(
    "spelling",
    [
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-sonnet-4-5@20250929",
        "anthropic/claude-sonnet-4-5",
        "claude-sonnet-4-5[1m]",
        "Claude-Sonnet-4-5",
    ],
)
def test_a_model_is_known_by_all_its_spellings(spelling: str) -> None:
    found = price(spelling, Tokens(input=1_000_000, output=1_000_000))
    assert (found.micros, found.known) == (18_000_000, True)


def test_the_old_order_of_names_and_family_names_are_known() -> None:
    assert price("claude-3-5-haiku-20241022", Tokens(input=1_000_000)).micros == 800_000
    assert price("claude-3-7-sonnet-latest", Tokens(input=1_000_000)).micros == 3_000_000
    assert price("opus", Tokens(output=1_000_000)) == price("claude-opus-5-5", Tokens(output=1_000_000))


def test_a_price_that_changed_depends_on_the_day() -> None:
    read = Tokens(cache_read=1_000_000)
    assert price("claude-sonnet-5-5", read, day="2026-10-06").micros == 200_000
    assert price("claude-sonnet-5-5", read, day="2026-10-07T00:00:01.000Z").micros == 100_000


def test_a_long_prompt_is_priced_as_a_whole() -> None:
    assert price("claude-haiku-5-5", Tokens(input=99_999, cache_read=1, output=10)).micros == 10_005
    assert price("claude-haiku-5-5", Tokens(input=100_000, cache_read=1, output=10)).micros == 50_026


@given(tokens)
def test_an_unknown_model_is_marked_and_never_cheaper_than_a_known_one(used: Tokens) -> None:
    unknown = price("somebody-elses-model", used)
    assert not unknown.known
    assert all(price(model, used).micros <= unknown.micros for model in known_models())


@given(tokens, tokens)
def test_prices_are_whole_and_rounding_never_loses_money(one: Tokens, other: Tokens) -> None:
    both = Tokens(*(getattr(one, kind) + getattr(other, kind) for kind in Tokens.__slots__))
    apart = price("claude-sonnet-4-6", one).micros + price("claude-sonnet-4-6", other).micros
    together = price("claude-sonnet-4-6", both).micros
    assert isinstance(together, int)
    assert 0 <= apart - together <= 1


@given(st.text(max_size=80))
def test_any_name_of_a_model_gets_a_price(name: str) -> None:
    assert price(name, Tokens(input=1)).micros >= 1
