"""How S3 is spoken to: one client, with its retries, and what its errors become.

It does not know what is stored. Endpoint, region and credentials come from the standard AWS
environment and configuration files.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.model import OperationModel

from bodyswap.errors import StoreError, UsageError
from cluster.stores.asker import AT_ONCE
from cluster.stores.tally import TALLY

_CONFIG = Config(
    # The controller has two askers and its errands' own, and whoever stands beside it asks as well.
    max_pool_connections=3 * AT_ONCE + 10,
    signature_version="s3v4",
    retries={"mode": "standard", "max_attempts": 5},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_KEYS = "check AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_BUCKET = "check the store's address, and make the bucket if it is the one you mean"
_BY_KIND: tuple[tuple[type[Exception], str], ...] = (
    (NoCredentialsError, f"no keys are set: {_KEYS}"),
    (PartialCredentialsError, _KEYS),
    (ProfileNotFound, _KEYS),
    (EndpointConnectionError, "check the network, AWS_ENDPOINT_URL_S3 and AWS_REGION"),
    (ConnectTimeoutError, "check the network, AWS_ENDPOINT_URL_S3 and AWS_REGION"),
    (ValueError, "write AWS_ENDPOINT_URL_S3 like https://host:9000, or AWS_REGION like us-east-1"),
)
_BY_CODE = {
    "NoSuchBucket": _BUCKET,
    "AccessDenied": "these keys may not do so; see deploy/ for what each role may",
    "403": f"these keys may not do so: {_KEYS}",
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "ExpiredToken": "log in anew, as with `aws sso login`",
}
_BODY_TRIES = 4
_BODY_PAUSE_S = 0.5


def s3_client() -> Any:  # noqa: ANN401 - boto3 makes its clients' types when they are asked for
    """A client of S3, or of a server that speaks it. Raises UsageError where that is not set."""
    try:
        client = boto3.client("s3", config=_CONFIG)
    except (BotoCoreError, ValueError) as error:  # a profile, a region, or an endpoint's address
        raise UsageError(f"S3 cannot be spoken to: {error}; {what_to_do(error)}") from error
    hooks = client.meta.events
    hooks.register("before-send.s3", _count_sent)
    hooks.register("after-call.s3", _count_answer)
    hooks.register("after-call-error.s3", _count_failure)
    return client


def read_body(ask: Callable[[], Mapping[str, Any]]) -> bytes:
    """The whole body that `ask` is answered; asked again where it broke off, as no client does."""
    for tries_left in reversed(range(_BODY_TRIES)):
        try:
            data: bytes = ask()["Body"].read()
        except (HTTPClientError, IncompleteReadError):
            if not tries_left:
                raise
            time.sleep(_BODY_PAUSE_S * random.random())
        else:
            return data
    raise AssertionError("the last try returns or raises")


@contextmanager
def mapped_errors(verb: str, what: str) -> Iterator[None]:
    """Whatever goes wrong inside is a StoreError that says what could not be done, to what."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        hint = what_to_do(error)
        told = f"cannot {verb} '{what}': {error}{f'; {hint}' if hint else ''}"
        raise StoreError(told) from error


def what_to_do(error: Exception) -> str:
    """What whoever set up this machine can do about it; "" where nothing is known."""
    if isinstance(error, ClientError):
        return _BY_CODE.get(str(error.response.get("Error", {}).get("Code", "")), "")
    return next((hint for kind, hint in _BY_KIND if isinstance(error, kind)), "")


def status_of(error: ClientError) -> int:
    """The answer's HTTP status; 0 where there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


# Every name but **ignored is botocore's own: it hands its hooks far more than they take.
def _count_sent(request: AWSPreparedRequest, **ignored: object) -> None:
    length = request.headers.get("Content-Length", b"0")
    TALLY.moved("sent", int(length))


def _count_answer(
    model: OperationModel, http_response: AWSResponse, parsed: dict[str, Any], **ignored: object
) -> None:
    status = int(http_response.status_code)
    # What is not there, or there already, is an answer and no error: the farm asks to know.
    is_well = status < 400 or status in (404, 409, 412)
    TALLY.asked(model.name, "ok" if is_well else f"{status // 100}xx")
    if model.name == "GetObject" and status < 300:
        TALLY.moved("received", int(parsed.get("ContentLength", 0)))


def _count_failure(event_name: str, **ignored: object) -> None:
    TALLY.asked(event_name.rpartition(".")[2], "unanswered")
