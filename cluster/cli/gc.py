"""The verb `bodyswap gc`: what lies in the store and is nobody's. It does not know what that is."""

import json
import time
from collections import Counter
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.terminal import say
from cluster.cli.options import StoreOption, named_store

app = typer.Typer()


@app.command()
def gc(
    remove: Annotated[bool, typer.Option(help="Remove it; else it is only told.")] = False,
    hours: Annotated[
        float, typer.Option(min=1, help="Uploads begun so long ago count as given up.")
    ] = 48,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find data of attempts that lost, and uploads never finished; with --remove, remove them."""
    from cluster.farm.garbage import find_garbage, remove_garbage

    opened = named_store(store)
    found = find_garbage(opened, older_than_s=hours * 3600, now_s=time.time())
    if remove:
        remove_garbage(opened, found)
    if as_json:
        keys = [{"kind": each.kind, "key": each.key} for each in found]
        say(json.dumps({"removed": remove, "found": keys}))
        return
    for each in found:
        say(f"{each.kind}  {each.key}")
    counts = Counter(each.kind for each in found)
    told = ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())) or "nothing"
    say(f"{told}; {'removed' if remove else 'kept, use --remove to remove it'}")
