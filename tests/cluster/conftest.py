"""Servers that several test files share, started when the first test asks for one."""

from collections.abc import Iterator

import pytest
from real_servers import run_s3, run_sqs


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a bucket on a real S3 server; the AWS environment names it."""
    with run_s3(tmp_path_factory.mktemp("weed")) as url:
        yield url


@pytest.fixture(scope="session")
def sqs_server(s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an SQS server; the AWS environment names it."""
    with run_sqs(tmp_path_factory.mktemp("sqs")) as endpoint:
        yield endpoint
