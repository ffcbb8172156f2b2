"""A price table of one's own: what it may say, and one sentence for whatever it may not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.pricefile import MAX_BYTES, PriceFileError, parse_prices
from kagents_core.pricing import PUBLISHED, Tokens

OWN = b"""
version: 2026-11-contract
models:
  claude-sonnet-5-5: {input: 1.50, output: "7.5"}
  opus-5-5:
    input: 3
    output: 15
    cacheRead: 0.15
    cacheWrite5m: 3.5
    cacheWrite1h: 6
    longFrom: 200000
    long: {input: 6, output: 22.5}
serverTools: {web_search_requests: 0.005}
"""
MILLION = 1_000_000


def test_models_have_the_prices_of_the_file_and_cache_prices_follow_input() -> None:
    table = parse_prices(OWN)
    assert table.version == "2026-11-contract"
    everything = Tokens(MILLION, MILLION, MILLION, MILLION, MILLION)
    found = table.price("us.anthropic.claude-sonnet-5-5-20261001-v1:0", everything)
    assert (found.micros, found.known) == (1_500_000 + 7_500_000 + 150_000 + 1_875_000 + 3_000_000, True)
    short = table.price("opus", Tokens(input=100_000, cache_read=MILLION // 10))
    assert short.micros == 300_000 + 15_000
    long = table.price("opus", Tokens(input=200_001))
    assert long.micros == 6 * 200_001
    assert table.price("opus", Tokens(), tools={"web_search_requests": 3, "other": 9}).micros == 15_000


def test_the_form_that_the_guide_shows_is_taken() -> None:
    guide = (Path(__file__).parents[3] / "docs/guide.md").read_text()
    shown = guide.split("### Prices of your own")[1].split("```yaml\n")[1].split("```")[0]
    table = parse_prices(shown.encode())
    assert table.price("claude-sonnet-5-5", Tokens(input=MILLION)).micros == 1_500_000
    assert (
        table.price("claude-opus-5-5", Tokens(output=MILLION, input=300_000)).micros == 24_000_000 + 1_920_000
    )


def test_other_models_have_the_prices_of_the_list_and_unknown_ones_the_dearest_of_both() -> None:
    table = parse_prices(OWN)
    found = table.price("claude-haiku-4-5", Tokens(output=MILLION))
    assert (found.micros, found.known) == (5 * MILLION, True)
    found = table.price("somebody-else-1", Tokens(output=MILLION))
    assert (found.micros, found.known) == (75 * MILLION, False)
    dear = parse_prices(b"version: v\nmodels: {somebody-else-2: {input: 100, output: 200}}")
    found = dear.price("somebody-else-1", Tokens(output=MILLION), tools={"web_search_requests": 1})
    assert (found.micros, found.known) == (200 * MILLION + 10_000, False)


@given(
    counts=st.lists(st.integers(min_value=0, max_value=10**8), min_size=5, max_size=5),
    own=st.booleans(),
    name=st.sampled_from(["gpt-9", "", "claude-nobody-1"]),
)
def test_no_known_model_is_dearer_than_an_unknown_one(counts: list[int], own: bool, name: str) -> None:
    table = parse_prices(OWN) if own else PUBLISHED
    tokens = Tokens(*counts)
    unknown = table.price(name, tokens)
    assert not unknown.known
    assert all(table.price(model, tokens).micros <= unknown.micros for model in table.models)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "one document"),
        (b"- 1\n", "a mapping with version, models"),
        (b"models: {a: {input: 1, output: 2}}", "version: a name"),
        (b"version: 'two words'\nmodels: {a: {input: 1, output: 2}}", "version: a name"),
        (b"version: v\nmodels: {}", "models: 1 to 500"),
        (b"version: v\nprices: {}", "there is no field 'prices'"),
        (b"version: v\nmodels: {sonnet: 3}", "models.sonnet: a mapping with input"),
        (b"version: v\nmodels: {sonnet: {input: 3}}", "models.sonnet.output: a price"),
        (b"version: v\nmodels: {sonnet: {input: -1, output: 2}}", "models.sonnet.input: a price"),
        (b"version: v\nmodels: {sonnet: {input: 1, output: .inf}}", "is not a number"),
        (b"version: v\nmodels: {sonnet: {input: true, output: 2}}", "models.sonnet.input: a price"),
        (b"version: v\nmodels: {sonnet: {input: 1, output: 2e9}}", "models.sonnet.output: a price"),
        (b"version: v\nmodels: {sonnet: {input: 1, output: 2, long: {input: 1, output: 1}}}", "longFrom"),
        (b"version: v\nmodels: {'a b': {input: 1, output: 2}}", "not the name of a model"),
        (
            b"version: v\nmodels: {sonnet: {input: 1, output: 2}, claude-sonnet-5-5: {input: 1, output: 2}}",
            "there twice, as sonnet-5-5",
        ),
        (b"version: v\nmodels: {a: {input: 1, output: 2}}\nserverTools: {'A B': 1}", "dollars by use"),
        (b"version: v\nmodels: {a: {input: 1, output: 2, cached: 3}}", "there is no field 'cached'"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"version: [", "prices.yaml:"),
        (b"#" * (MAX_BYTES + 1), "at most 256 KiB"),
    ],
)
def test_one_sentence_names_the_place(text: bytes, words: str) -> None:
    with pytest.raises(PriceFileError, match=r"^prices\.yaml: ?") as refused:
        parse_prices(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=200) | st.text(alphabet="versionmdl: {}[]\n-&*x1.", max_size=80).map(str.encode))
def test_whatever_the_file_holds_is_a_table_or_one_sentence(data: bytes) -> None:
    try:
        assert parse_prices(data).models
    except PriceFileError as error:
        assert str(error)
