"""The verbs that let others look: `bodyswap preview | link`. They do not know how."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.errors import StoreError
from bodyswap.terminal import say
from cluster.cli.options import JobArgument, StoreOption, client_of

app = typer.Typer()
HoursOption = Annotated[
    float, typer.Option(min=0.01, max=168, help="How long links work, at most a week.")
]


@app.command()
def preview(
    job: JobArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a playlist of links here, for any player."),
    ] = None,
    hours: HoursOption = 1,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what of a shot is rendered so far, as an HLS playlist that grows with it."""
    client = client_of(store)
    found = client.find_job(job)
    seen, place = client.preview(found)
    if out is not None:
        text = client.preview_of_links(found, lasts_s=round(hours * 3600))
        try:
            out.write_text(text)
        except OSError as error:
            raise StoreError(
                f"cannot write '{out}': {error.strerror}; give a file that may be written"
            ) from error
        place = str(out)
    frames = sum(len(segment.frames) for segment in seen.segments)
    told = {
        "job": found, "playlist": place, "frames": frames, "segments": len(seen.segments),
        "is_over": seen.is_over,
    }  # fmt: skip
    ending = "all there is" if seen.is_over else "and growing"
    say(json.dumps(told) if as_json else f"{place}  {frames} frames, {ending}")


@app.command()
def link(
    job: JobArgument,
    hours: HoursOption = 12,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give links to what a job delivered, for people without credentials; links end."""
    client = client_of(store)
    found = client.find_job(job)
    links = client.links(found, lasts_s=round(hours * 3600))
    if as_json:
        say(json.dumps({"job": found, "links": links}))
        return
    for name, url in links.items():
        say(f"{name}  {url}")
