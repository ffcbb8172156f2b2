"""What looks like a secret is masked, however the file is cut into pieces while it is copied."""

import random

import pytest

from kagents_core import secretshapes
from kagents_core.secretshapes import Mask, masked

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaA\n" * 12 + "-----END OPENSSH PRIVATE KEY-----"
SECRETS = (
    "sk-ant-api03-" + "a1B2" * 12,
    "ghp_" + "Ab1" * 12,
    "github_pat_" + "A1_b" * 12,
    "glpat-" + "x-Y1" * 6,
    "xoxb-1234567890-abcdef",
    "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "AKIAIOSFODNN7EXAMPLE",
    "whsec_" + "MfKQ9r8GKYqr" * 3,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r",
    KEY,
    KEY.replace("\n", "\\n"),
)


@pytest.mark.parametrize("secret", SECRETS)
def test_it_is_masked_in_a_line_of_json(secret: str) -> None:
    line = f'{{"text":"here: {secret} <"}}'.encode()
    assert masked(line) == b'{"text":"here: ' + b"*" * len(secret) + b' <"}'


def test_a_password_in_an_address_is_masked_and_what_is_none_stays() -> None:
    assert b"hunter2" not in masked(b"git clone https://me:hunter2@example.com/x.git")
    plain = b"see https://example.com:8443/a?b=c@d and sk-learn, ghp_x, eyJ.eyJ., -----BEGIN CERTIFICATE-----"
    assert masked(plain) == plain


@pytest.mark.parametrize("seed", range(40))
def test_pieces_are_masked_like_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secretshapes, "OVERLAP", 512)  # longer than each of these secrets
    chance = random.Random(seed)
    words = [chance.choice((*SECRETS, "x" * chance.randrange(300), "plain words")) for _ in range(60)]
    text = " ".join(words).encode()
    mask, out, at = Mask(), b"", 0
    while at < len(text):
        size = chance.randrange(1, 700)
        out += mask.feed(text[at : at + size])
        at += size
    out += mask.close()
    assert out == masked(text)


def test_an_endless_word_is_not_kept_in_memory() -> None:
    mask = Mask()
    given = sum(len(mask.feed(b"sk-" + b"a" * 262_144)) for _ in range(8))
    assert given > 7 * 262_144
