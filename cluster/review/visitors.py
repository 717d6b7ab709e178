"""Who is looking: by token, by a share link that ends, or from this machine.

Tokens are kept as their hashes in a file of the operator's; a share link is a signed document, for
one job and for looking only. It does not know HTTP.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bodyswap.errors import BodyswapError, UsageError
from bodyswap.rights.refusal import RefusedError
from bodyswap.rights.signed import open_signed, sign
from bodyswap.rights.signing_keys import SigningKey, base64_url, from_base64_url
from cluster.jobs.keys import key_part

SHARE = "bodyswap-share"
LONGEST_SHARE_S = 30 * 24 * 3600
_LONGEST_SECRET = 4096
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoEntryError(BodyswapError):
    """Nobody is known by what was shown, or they may not do this."""

    exit_code = 9


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody at the page. With `job` they came by its share link and see nothing else."""

    name: str
    may_act: bool = True
    job: str | None = None

    def may_see(self, job: str) -> bool:
        return self.job is None or self.job == job


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the tokens' file: whose it is, its SHA-256, and whether they may act."""

    name: str
    token_sha256: str
    may_act: bool = True


class _Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    job: str
    by: str
    ends_at: int


class Visitors:
    """Tells who shows a secret. Without people, `local` is whoever comes with none."""

    def __init__(
        self,
        people: tuple[Person, ...],
        key: SigningKey,
        *,
        local: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._people, self._key, self._clock = people, key, clock
        self._local = None if local is None or people else Visitor(name=local)

    def of(self, secret: str | None) -> Visitor:
        """Who shows this token or share; None shows nothing.

        Raises:
            NoEntryError: nobody we know, or no longer.
        """
        if secret is None:
            if self._local is None:
                raise NoEntryError("give your token as 'Authorization: Bearer ...', or sign in")
            return self._local
        if len(secret) > _LONGEST_SECRET:
            raise NoEntryError("what was shown is too long for a token")
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        for person in self._people:
            if hmac.compare_digest(person.token_sha256, hashed):
                return Visitor(name=person.name, may_act=person.may_act)
        return self._by_share(secret)

    def share(self, job: str, by: Visitor, *, lasts_s: int) -> str:
        """A secret that shows `job` to whoever has it, for `lasts_s` seconds.

        Raises:
            UsageError: no link may last so long.
        """
        if not 0 < lasts_s <= LONGEST_SHARE_S:
            raise UsageError(f"a link cannot last {lasts_s} s; {LONGEST_SHARE_S} at most")
        share = _Share(job=job, by=by.name, ends_at=int(self._clock()) + lasts_s)
        return base64_url(sign(msgspec.json.encode(share), SHARE, [self._key]))

    def _by_share(self, secret: str) -> Visitor:
        try:
            opened = open_signed(from_base64_url(secret), SHARE, source="the link")
            share = msgspec.json.decode(opened.payload, type=_Share)
        except (RefusedError, ValueError) as error:
            raise NoEntryError("nobody is known by this token, and it is no share link") from error
        if opened.keys != (self._key.public,):
            raise NoEntryError("the link is not from here; ask for a new one")
        if self._clock() >= share.ends_at:
            raise NoEntryError("the link has ended; ask whoever sent it for a new one")
        return Visitor(name=f"guest of {share.by}", may_act=False, job=share.job)


def read_people(path: Path) -> tuple[Person, ...]:
    """The people of a tokens' file. Raises UsageError where it is none, or names nobody."""
    try:
        people = msgspec.yaml.decode(path.read_bytes(), type=tuple[Person, ...])
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise UsageError(f"'{path}' is no list of people and tokens: {error}") from error
    if not people:
        raise UsageError(f"'{path}' names nobody; `serve-token NAME` makes a line for it")
    return people


def make_token(name: str, *, may_act: bool) -> tuple[str, str]:
    """A new token, and the line of the tokens' file that lets its owner in."""
    if not name.strip() or key_part(name) != name:
        raise UsageError(f"'{name}' cannot be somebody's name; use letters, digits and ._=+@-")
    token = secrets.token_urlsafe(32)
    hashed = hashlib.sha256(token.encode()).hexdigest()
    line = msgspec.yaml.encode([Person(name=name, token_sha256=hashed, may_act=may_act)])
    return token, line.decode()


def is_loopback(host: str) -> bool:
    return host in _LOOPBACK
