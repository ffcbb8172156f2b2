"""Requests to AWS are signed as AWS says: its published test vectors, and what its own library signs."""

from datetime import UTC, datetime

import pytest

from kagents_runner.gateway.signing import AmazonKey, signed

EXAMPLE = AmazonKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflf"
    "KD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd"
    "8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3i"
    "SIlTJabIQwj2ICCR/oLxBA=="
)
UNRESERVED = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SIGNATURES = {
    "get-vanilla": "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    "post-vanilla": "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    "get-vanilla-query-order-key-case": "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    "get-unreserved": "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    "get-utf8": "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    "get-space": "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    "get-vanilla-utf8-query": "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    "post-header-key-sort": "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    "post-x-www-form-urlencoded": "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    "post-sts-header-before": "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
}
"""By the names that the requests have in AWS's test suite of signature version 4."""


@pytest.mark.parametrize(
    ("name", "target", "body", "headers", "session"),
    [
        ("get-vanilla", "/", b"", {}, ""),
        ("post-vanilla", "/", b"", {}, ""),
        ("get-vanilla-query-order-key-case", "/?Param2=value2&Param1=value1", b"", {}, ""),
        ("get-unreserved", UNRESERVED, b"", {}, ""),
        ("get-utf8", "/\u1234", b"", {}, ""),
        ("get-space", "/example space/", b"", {}, ""),
        ("get-vanilla-utf8-query", "/?\u1234=bar", b"", {}, ""),
        ("post-header-key-sort", "/", b"", {"My-Header1": "value1"}, ""),
        ("post-x-www-form-urlencoded", "/", b"Param1=value1", FORM, ""),
        ("post-sts-header-before", "/", b"", {}, SESSION),
    ],
)
def test_published_vectors(
    name: str, target: str, body: bytes, headers: dict[str, str], session: str
) -> None:
    found = signed(
        AmazonKey(EXAMPLE.access, EXAMPLE.secret, session),
        method=name.partition("-")[0].upper(),
        host="example.amazonaws.com",
        target=target,
        body=body,
        region="us-east-1",
        service="service",
        now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        headers=headers,
    )
    assert found["Authorization"].endswith(f"Signature={SIGNATURES[name]}")
    assert found["X-Amz-Date"] == "20150830T123600Z"
    assert found.get("X-Amz-Security-Token", "") == session


def test_a_call_of_bedrock_is_signed_as_the_library_of_aws_signs_it() -> None:
    """The colon of a model's id is encoded in the path, and once more where the path is signed."""
    found = signed(
        EXAMPLE,
        method="POST",
        host="bedrock-runtime.us-east-1.amazonaws.com",
        target="/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
        body=b'{"anthropic_version":"bedrock-2023-05-31"}',
        region="us-east-1",
        now=datetime(2026, 11, 21, 12, tzinfo=UTC),
        headers={"Content-Type": "application/json"},
    )
    # Made with botocore 1.44.5.
    assert found["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=a5802177f946b78aa824c13dc2b8ea1fd8662b0d6522fa8af6cfc5b821fc2575"
    )


def test_secrets_are_not_shown() -> None:
    key = AmazonKey("AKID", "very secret", "very long token")
    assert "secret" not in repr(key).replace("AmazonKey", "") and "token" not in repr(key)
