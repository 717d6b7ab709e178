"""The Grafana dashboards, as code: `make dashboards` writes them to deploy/grafana/dashboards.

What is on them is in `boards`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from boards import BOARDS, Board, Panel
from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import StackingMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

OUT = Path(__file__).parent / "grafana/dashboards"
_HEIGHT, _WIDE, _SMALL = 8, 12, 4
_SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")


def built(board: Board) -> str:
    """The dashboard as Grafana reads it."""
    made = (
        Dashboard(board.title).uid(board.uid).tags(["bodyswap"]).readonly()
        .refresh("30s").time("now-6h", "now")
        .with_variable(DatasourceVariable("source").label("source").type("prometheus"))
    )  # fmt: skip
    for panel in board.panels:
        made.with_panel(_chart(panel))
    return json.dumps(made.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _chart(panel: Panel) -> timeseries.Panel | stat.Panel | heatmap.Panel:
    chart: timeseries.Panel | stat.Panel | heatmap.Panel
    match panel.kind:
        case "number":
            last = common.ReduceDataOptions().calcs(["lastNotNull"])
            chart = stat.Panel().span(_SMALL).height(_SMALL).reduce_options(last)
        case "heat":
            chart = heatmap.Panel().span(_WIDE).height(_HEIGHT).calculate(False)
        case _:
            legend = common.VizLegendOptions().show_legend(True)
            chart = timeseries.Panel().span(_WIDE).height(_HEIGHT).min(0).legend(legend)
            if panel.kind == "areas":
                stacked = common.StackingConfig().mode(StackingMode.NORMAL)
                chart.stacking(stacked).fill_opacity(40)
    chart.title(panel.title).unit(panel.unit).datasource(_SOURCE)
    if panel.says:
        chart.description(panel.says)
    for letter, (expression, words) in zip("ABCDEFGH", panel.asks, strict=False):
        query = prometheus.Dataquery().expr(expression).legend_format(words).ref_id(letter)
        query.datasource(_SOURCE)
        if panel.kind == "heat":
            query.format(PromQueryFormat.HEATMAP)
        elif panel.kind == "lines":
            query.exemplar(True)
        chart.with_target(query)
    return chart


def files() -> Iterator[tuple[Path, str]]:
    """Every dashboard's file, and what is to be in it."""
    for board in BOARDS:
        yield OUT / f"{board.name}.json", built(board)


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text)
        sys.stdout.write(f"{path}\n")
