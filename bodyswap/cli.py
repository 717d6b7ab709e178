"""The verbs that need one machine only: train, train-pose, quality.

It does not know stores or jobs; `cluster.cli` mounts these verbs beside the farm's.
The stages are imported inside each verb, so that `--help` does not wait for torch.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.terminal import say

app = typer.Typer()

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated."),
]


@app.command()
def quality(
    render: Annotated[Path, typer.Argument(help="The rendered shot.")],
    reference: Annotated[Path, typer.Option(help="What it should look like, frame for frame.")],
    weights: Annotated[
        Path | None, typer.Option(help="Folder of LPIPS weights; without it LPIPS is left out.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(metavar="1001-1040", help="The reference's frames.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a render with its truth: PSNR, SSIM and, with weights, LPIPS."""
    from bodyswap.quality.files import compare_files

    report = compare_files(render, reference, frames=frames, lpips_weights=weights)
    say(json.dumps(report.to_dict()) if as_json else report.summary())
