"""The tests' pipelines are asked as the real one is: what they take is what the Protocol says."""

import inspect

import pytest
from doomed_pipeline import DoomedPipeline
from film_pipeline import FilmPipeline
from placed_pipeline import PlacedPipeline
from tiny_pipeline import TinyPipeline

import bodyswap.pipeline
from cluster.workers.stages import Pipeline

ASKED = {name: way for name, way in vars(Pipeline).items() if not name.startswith("_")}
IN_TESTS = (TinyPipeline, FilmPipeline, PlacedPipeline, DoomedPipeline)


@pytest.mark.parametrize("kind", [bodyswap.pipeline.Pipeline, *IN_TESTS])
def test_a_pipeline_takes_what_workers_give(kind: type) -> None:
    has = {name: getattr(kind, name) for name in ASKED if hasattr(kind, name)}
    assert len(has) >= 5
    assert {name: _takes(way) for name, way in has.items()} == {
        name: _takes(ASKED[name]) for name in has
    }


def _takes(way: object) -> list[inspect.Parameter]:
    """By name, kind and default."""
    assert callable(way)
    parameters = inspect.signature(way).parameters.values()
    return [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
