"""A film that was rendered once, for every test that only looks at it."""

from collections.abc import Iterator

import httpx
import pytest
from film_farm import FilmFarm, film_farm


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[FilmFarm, str]:
    """A farm and its published job of four shards, SH010."""
    farm = film_farm(tmp_path_factory.mktemp("film"))
    job = farm.submit()
    farm.run(job)
    return farm, job


@pytest.fixture(scope="session")
def page(finished: tuple[FilmFarm, str]) -> Iterator[httpx.Client]:
    """A browserless visitor of the finished farm's page."""
    with finished[0].page() as client:
        yield client
