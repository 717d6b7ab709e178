"""Options that verbs in more than one file take, and what they open. It does not know the verbs."""

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.environment import default_store_url
from cluster.client import Client
from cluster.stores.opening import open_store
from cluster.stores.store import Store


class RuntimeKind(StrEnum):
    """Where workers run."""

    INLINE = "inline"
    RAY = "ray"


StoreOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A folder or s3://bucket/prefix.  [default: $BODYSWAP_STORE]"),
]
RuntimeOption = Annotated[
    RuntimeKind, typer.Option(help="Where the work is done: this process, or Ray actors.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Ray actors.  [default: one a GPU]")]
FarmFileOption = Annotated[
    Path | None,
    typer.Option("--farm", metavar="FILE", help="What workers are given of the machines (YAML)."),
]
AddressOption = Annotated[
    str | None, typer.Option(help="The Ray cluster.  [default: this machine alone]")
]
MetricsOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Serve Prometheus there, like 127.0.0.1:9400.  [default: $BODYSWAP_METRICS]",
    ),
]
OutOption = Annotated[Path, typer.Option(help="The folder for what is delivered.")]
JobArgument = Annotated[
    str, typer.Argument(help="A job's id, how it begins, or its name.", metavar="JOB")
]
JobsArgument = Annotated[
    list[str],
    typer.Argument(help="Ids, how they begin, names, or patterns: 'SH0*'.", metavar="JOB..."),
]
ShardArgument = Annotated[
    str | None, typer.Argument(help="A shard's name, such as render-2.", metavar="[SHARD]")
]


def named_store(url: str | None) -> Store:
    """The store at `url`, or the default one."""
    return open_store(url or default_store_url())


def client_of(url: str | None) -> Client:
    """The client of the store at `url`, or of the default one."""
    return Client(named_store(url), by=me())


def me() -> str:
    """Who is asking, for the journal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
