"""By what a message is recognised: its letters and digits, in whatever script, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.record.letters import Letter, likeness

_WORDS = st.text(st.characters(categories=("L", "N"), codec="utf-8"), min_size=1, max_size=20)
_BETWEEN = st.text(st.sampled_from(" .,;:!?-_/\n\t…«»()[]*#`~€"), max_size=5)


@given(st.lists(st.tuples(_WORDS, _BETWEEN, _BETWEEN), min_size=1, max_size=20))
def test_what_is_neither_letter_nor_digit_does_not_tell_two_messages_apart(
    parts: list[tuple[str, str, str]],
) -> None:
    one = "".join(before + word for word, before, _ in parts)
    other = "".join(after + word for word, _, after in parts)

    assert likeness(Letter("lead", "scout", one)) == likeness(Letter("lead", "scout", other))


@given(st.lists(_WORDS, min_size=1, max_size=20), _WORDS)
def test_another_word_is_another_message(words: list[str], more: str) -> None:
    one, other = " ".join(words), " ".join([*words, more])

    assert likeness(Letter("lead", "scout", one)) != likeness(Letter("lead", "scout", other))
