"""The verbs of the review page: `bodyswap serve | serve-token`. They do not know what it shows."""

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.errors import UsageError
from bodyswap.terminal import say
from cluster.cli.options import StoreOption, me, named_store

app = typer.Typer()


@app.command()
def serve(
    address: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where; beyond this machine, with --tokens.")
    ] = "127.0.0.1:8790",
    tokens: Annotated[
        Path | None, typer.Option(help="A file of who may come in; see `serve-token`.")
    ] = None,
    share_key: Annotated[
        Path | None,
        typer.Option(help="The key that signs share links.  [default: one until this ends]"),
    ] = None,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="NAME", help="A host name it is reached by, if not its own."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the review page and the JSON API: look at shots while they render, and judge them."""
    # FastAPI and PyAV are heavy, and no other verb needs them.
    from bodyswap.rights.signing_keys import make_signing_key, read_signing_key
    from cluster.events.doorbell import split_address
    from cluster.review.app import review_app
    from cluster.review.serving import listen
    from cluster.review.serving import serve as answer
    from cluster.review.shots import Shots
    from cluster.review.visitors import Visitors, is_loopback, read_people

    host, port = split_address(address)
    people = read_people(tokens) if tokens is not None else ()
    if not people and not is_loopback(host):
        raise UsageError(
            f"{address} is reached by others; give --tokens FILE, of lines that `serve-token` makes"
        )
    key = make_signing_key() if share_key is None else read_signing_key(share_key)
    visitors = Visitors(people, key, local=me(), clock=time.time)
    hosts = ("127.0.0.1", "localhost", "[::1]", *(host_name or ())) if not people else ("*",)
    with tempfile.TemporaryDirectory(prefix="bodyswap-review-") as folder:
        shots = Shots(named_store(store), Path(folder))
        listening = listen(host, port)
        url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        told = {"url": url, "store": shots.store.url}
        say(json.dumps(told) if as_json else f"{url}  shows {shots.store.url}")
        answer(review_app(shots, visitors, hosts=hosts), listening)


@app.command(name="serve-token")
def serve_token(
    name: Annotated[str, typer.Argument(help="Whose it is; verdicts are given under this name.")],
    looks_only: Annotated[bool, typer.Option(help="They may look, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a token for `serve`, and the line of its --tokens file that lets its owner in."""
    from cluster.review.visitors import make_token

    token, line = make_token(name, may_act=not looks_only)
    if as_json:
        say(json.dumps({"name": name, "token": token, "line": line}))
        return
    say(f"token for {name}, shown this once: {token}")
    say(f"for the file:\n{line.rstrip()}")
