"""The verb `bodyswap conform`: a cut list in, its shots rendered, the edit out.

It does not know how any of it is done.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption, PerformerOption, SetOption, all_changes
from bodyswap.config import CodecName, RenderSettings
from bodyswap.terminal import WorkSeen, complain, say, show_progress
from bodyswap.timing import parse_rate
from cluster.cli.options import (
    OutOption,
    RuntimeKind,
    RuntimeOption,
    StoreOption,
    WorkersOption,
    me,
    named_store,
)
from cluster.telling.job_words import seen

app = typer.Typer()


@app.command()
def conform(
    cut: Annotated[Path, typer.Argument(help="An .edl, .fcpxml, .xml or .otio.", metavar="CUT")],
    plates: Annotated[Path, typer.Option(help="The folder that holds the plates.")],
    subject: Annotated[str, typer.Option(help="Who is rendered.")],
    out: OutOption,
    handles: Annotated[int, typer.Option(min=0, help="Frames more at either end.")] = 8,
    prefix: Annotated[str, typer.Option(help="Shots are PREFIX_0010, PREFIX_0020 …")] = "SHOT",
    rate: Annotated[
        str | None,
        typer.Option(metavar="24000/1001", help="An EDL's rate.  [default: the first plate's]"),
    ] = None,
    codec: Annotated[
        CodecName, typer.Option(help="What the shots are written as.")
    ] = CodecName.EXR,
    store: StoreOption = None,
    runtime: RuntimeOption = RuntimeKind.INLINE,
    workers: WorkersOption = None,
    performer: PerformerOption = None,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Render every shot of a cut list with handles, and write the edit with plates and renders."""
    from cluster.conform import ConformRequest
    from cluster.conform import conform as conform_cut

    settings = RenderSettings(codec=codec.value).with_overrides(all_changes(changes, performer))
    request = ConformRequest(
        cut=cut, plates=plates, subject=subject, settings=settings, handles=handles,
        prefix=prefix, rate=_rate(rate), submitted_by=me(),
    )  # fmt: skip
    with show_progress(as_json=as_json) as show:
        made = conform_cut(
            named_store(store), request, out, runtime=runtime, workers=workers,
            on_shot=lambda shot, done, total: show(
                WorkSeen(stage="conforming", done=done, total=total, unit="shots", note=shot.name)
            ),
            on_status=lambda status: show(seen(status)), on_assumed=complain,
        )  # fmt: skip
    if as_json:
        files = {name: [str(path) for path in paths] for name, paths in made.shots.items()}
        say(json.dumps({"edit": str(made.edit), "shots": files}))
    else:
        say("\n".join([str(made.edit), *(str(files[0].parent) for files in made.shots.values())]))


def _rate(text: str | None) -> Fraction | None:
    return None if text is None else parse_rate(text)
