"""The operator's webhook file: what it allows, and what it says when it is wrong."""

from pathlib import Path

import pytest
from web_hearer import SECRET

from bodyswap.errors import UsageError
from cluster.notices.settings import Endpoint, WebhookSettings, load_webhooks, read_webhooks

OTHER = "whsec_aW4gdGhlIGZpbGUsIGFzIGxvbmcgYXMgaXQgbXVzdCBiZQ=="
UNPREFIXED = "bm8gcHJlZml4IGJlZm9yZSBpdCwgYnV0IGxvbmc="
FILE = """
endpoints:
  - url: https://hooks.example.com/shots/render
    states: [published, failed]
allow: [https://hooks.example.com/shots]
most_attempts: 5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "webhooks.yaml"
    path.write_text(FILE)
    return path


def test_the_file_is_read_and_the_environments_secret_goes_before_its_own(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_webhooks() is None
    file.write_text(f"{FILE}secret: {OTHER}\n")
    monkeypatch.setenv("BODYSWAP_WEBHOOKS", str(file))
    settings = load_webhooks()
    assert settings is not None and settings.secrets == (
        "whsec_aW4gdGhlIGZpbGUsIGFzIGxvbmcgYXMgaXQgbXVzdCBiZQ==",
    )
    monkeypatch.setenv("BODYSWAP_WEBHOOK_SECRET", SECRET)
    settings = load_webhooks()
    assert settings is not None and settings.secrets == (SECRET,)
    assert (settings.most_attempts, settings.endpoints[0].states) == (5, ["published", "failed"])
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://hooks.example.com/shots", True),
        ("https://hooks.example.com/shots/render?x=1", True),
        ("https://HOOKS.example.com:443/shots/render", True),
        ("https://hooks.example.com/shotsers", False),
        ("https://hooks.example.com/shots/../admin", False),
        ("https://hooks.example.com/", False),
        ("http://hooks.example.com/shots", False),
        ("https://hooks.example.com:8443/shots", False),
        ("https://hooks.example.com:port/shots", False),
        ("https://hooks.example.com.evil.org/shots", False),
        ("https://hooks.example.com@evil.org/shots", False),
        ("https://user:word@hooks.example.com/shots", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_what_is_at_or_below_an_allowed_url_is_allowed(url: str, is_allowed: bool) -> None:
    settings = WebhookSettings(allow=["https://hooks.example.com/shots/"])
    assert settings.allows(url) is is_allowed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("endpoints: [{url: https://a.example/x}]", "no secret to sign with"),
        ("endpoints: [{url: ftp://a.example/x}]\nsecret: " + SECRET, "is no http"),
        (
            "endpoints: [{url: https://a.example/x}]\nallow: [https://b.example]",
            "not within `allow`",
        ),
        ("endpoints: [{url: https://a.example/x, states: [finished]}]", "'finished', which is no"),
        ("endpoints: [{uri: https://a.example/x}]", "uri"),
        ("endpoints: [{url: 'program:tell'}]", "a program takes both"),
        ("endpoints: [{url: https://a.example/x, run: [/bin/true]}]", "a program takes both"),
        ("endpoints: [{url: 'program:tell', run: []}]", "a program takes both"),
        ("most_attempts: 0", "give at least 1"),
        ("attempts: 3", "'webhooks.attempts' is unknown; did you mean"),
        ("- a list", "no mapping"),
        ("endpoints: [", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_says_what_to_do(
    file: Path, text: str, words: str
) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=words) as refused:
        read_webhooks(file)
    assert "\n" not in str(refused.value)


def test_programs_alone_need_no_secret_and_allow_no_url(file: Path) -> None:
    file.write_text("endpoints: [{url: 'program:tell', run: [/bin/tell, --all]}]")
    settings = read_webhooks(file)
    assert settings.program("program:tell") == ["/bin/tell", "--all"]
    assert settings.allows("program:tell") and not settings.allows("program:other")
    assert not settings.allows("https://a.example/x")


@pytest.mark.parametrize("secret", ["whsec_", "whsec_abcde", UNPREFIXED, "whsec_ö"])
def test_a_wrong_secret_is_refused_without_being_told(secret: str) -> None:
    endpoint = Endpoint(url="https://a.example/x")
    with pytest.raises(UsageError, match="secret") as refused:
        WebhookSettings(endpoints=[endpoint], secret=secret)
    assert secret == "whsec_" or secret not in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.yaml' cannot be read"):
        read_webhooks(tmp_path / "absent.yaml")
