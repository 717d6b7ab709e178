from pathlib import Path

import pytest

from bodyswap.errors import SubjectError
from bodyswap.subjects import find_local_subject, packaged_subjects


def test_vega_ships_with_the_package_and_is_found_by_name() -> None:
    assert find_local_subject("vega") == packaged_subjects()["vega"]


def test_a_folder_with_a_card_is_a_subject(tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text("")
    assert find_local_subject(str(tmp_path)) == tmp_path


def test_an_unknown_subject_is_refused_with_those_there_are_and_how_to_train_one() -> None:
    with pytest.raises(SubjectError, match=r"'veag' was not found.*did you mean 'vega'"):
        find_local_subject("veag")
    with pytest.raises(SubjectError, match=r"'nobody' was not found.*vega.*bodyswap train"):
        find_local_subject("nobody")
