"""How S3 is spoken to: one client, with its retries, and what its errors become.

It does not know what is stored. Endpoint, region and credentials come from the standard AWS
environment and configuration files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bodyswap.errors import StoreError

_CONFIG = Config(
    signature_version="s3v4",
    retries={"mode": "standard", "max_attempts": 5},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def s3_client() -> Any:  # noqa: ANN401 - boto3 makes its clients' types when they are asked for
    """A client of S3, or of a server that speaks it."""
    return boto3.client("s3", config=_CONFIG)


@contextmanager
def mapped_errors(verb: str, what: str) -> Iterator[None]:
    """Whatever goes wrong inside is a StoreError that says what could not be done, to what."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        raise StoreError(f"cannot {verb} '{what}': {error}") from error


def status_of(error: ClientError) -> int:
    """The answer's HTTP status; 0 where there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
