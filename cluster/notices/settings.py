"""Who is told of jobs, over HTTP and by which secret, or by which program.

The operator's file says so, and nobody else. It does not know what is told.
"""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from bodyswap.environment import webhook_file, webhook_secret
from bodyswap.errors import UsageError
from bodyswap.settings_text import settings_from
from cluster.jobs.job import JobState
from cluster.notices.post import check_secrets

PROGRAM = "program:"
"""What the URL of an endpoint begins with that is no server: `program:NAME`."""
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A URL, the states it hears of and the projects it hears about; all where none is named.

    `run` is the program, and its arguments, that is called where the URL is `program:NAME`. Only
    the name is ever written into the store.
    """

    url: str
    run: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.states) - set(JobState))
        if unknown:
            raise UsageError(
                f"webhook {self.url} is to hear of '{unknown[0]}', which is no state of a job;"
                f" there are {', '.join(JobState)}"
            )

        if bool(self.run) != self.is_program or self.url == PROGRAM:
            raise UsageError(
                f"webhook '{self.url}' has run {self.run}; a program takes both: a url such as"
                f" {PROGRAM}tracker, and run: [/path/to/program, argument]"
            )

    @property
    def is_program(self) -> bool:
        return self.url.startswith(PROGRAM)

    def wants(self, state: JobState, project: str) -> bool:
        return (not self.states or state in self.states) and (
            not self.projects or project in self.projects
        )


@dataclass(frozen=True, kw_only=True)
class WebhookSettings:
    """The operator's file. Only URLs that begin with one of `allow` are ever posted to.

    Without `allow`, the endpoints' own URLs are allowed; programs are always the endpoints' own.
    `secret` is "whsec_" and base64; during a change of secrets two of them, with a space between.
    """

    endpoints: list[Endpoint] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    secret: str = field(default="", repr=False)
    most_attempts: int = 8
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.most_attempts < 1 or self.timeout_s <= 0:
            raise UsageError(
                f"webhooks have most_attempts {self.most_attempts} and timeout_s {self.timeout_s};"
                " give at least 1, and more than 0"
            )
        for endpoint in self.endpoints:
            if not self.allows(endpoint.url):
                raise UsageError(
                    f"webhook '{endpoint.url}' is not within `allow`, or is no http(s) URL without"
                    " a user in it; correct the one or the other"
                )
        if not all(endpoint.is_program for endpoint in self.endpoints):
            check_secrets(self.secrets)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(self.secret.split())

    def program(self, url: str) -> list[str] | None:
        """The program of that URL with its arguments; None where the operator named none."""
        return next((one.run for one in self.endpoints if one.is_program and one.url == url), None)

    def allows(self, url: str) -> bool:
        """True where the operator lets this URL be told."""
        if self.program(url) is not None:
            return True
        allowed = self.allow or [endpoint.url for endpoint in self.endpoints]
        return any(_is_within(urlsplit(url), urlsplit(prefix)) for prefix in allowed)


def load_webhooks() -> WebhookSettings | None:
    """The settings of the file that $BODYSWAP_WEBHOOKS names; None where it names none.

    Raises:
        UsageError: the file is not there, or something in it is not as it must be.
    """
    path = webhook_file()
    return None if path is None else read_webhooks(path, secret=webhook_secret())


def read_webhooks(path: Path, *, secret: str = "") -> WebhookSettings:
    """The settings in the file; `secret`, from the environment, goes before the file's own."""
    try:
        values = msgspec.yaml.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        told = " ".join(str(error).split())
        raise UsageError(f"webhook settings '{path}' cannot be read: {told}") from error
    if not isinstance(values, dict):
        raise UsageError(f"webhook settings '{path}' are no mapping; begin with 'endpoints:'")
    chosen = values | ({"secret": secret} if secret else {})
    return settings_from(WebhookSettings, chosen, of="webhooks.")


def _is_within(url: SplitResult, prefix: SplitResult) -> bool:
    """Same scheme, host and port, no user, and a path at or below the prefix's."""
    try:
        same_place = _place(url) == _place(prefix)
    except ValueError:  # a port that is no number
        return False
    if not same_place or url.scheme not in _PORTS or url.username or url.password:
        return False
    folder = prefix.path.rstrip("/")
    is_climbing = any(part in (".", "..") for part in url.path.split("/"))
    return not is_climbing and (url.path.rstrip("/") == folder or url.path.startswith(folder + "/"))


def _place(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
