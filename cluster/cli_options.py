"""Options that verbs in more than one file take. It does not know the verbs."""

from typing import Annotated

import typer

StoreOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A folder or s3://bucket/prefix.  [default: $BODYSWAP_STORE]"),
]
