"""Pairing: a pose model and a subject must speak of the same joints.

It does not know poses or networks: names are enough, so a request is refused before any work.
"""

from bodyswap.errors import SubjectError
from bodyswap.keypoints.estimator import read_spec, spec_folder
from bodyswap.nets.card import SubjectCard
from bodyswap.skeleton import find_skeleton


def check_pose_model(model: str, card: SubjectCard) -> None:
    """Refuse a pose model of another skeleton than the subject's.

    Raises:
        ModelError: there is no such pose model.
        SubjectError: its skeleton is not the one the subject was trained on.
    """
    check_skeleton(find_skeleton(read_spec(model).skeleton).name, model, card)


def check_skeleton(skeleton: str, model: str, card: SubjectCard) -> None:
    """Refuse poses of another skeleton; `model` is where they come from. Raises SubjectError."""
    if skeleton == card.skeleton:
        return
    fitting = ", ".join(models_of(card.skeleton)) or "one of your own"
    raise SubjectError(
        f"pose model '{model}' gives skeleton '{skeleton}', but subject '{card.name}' was trained "
        f"on '{card.skeleton}'; choose a pose model of that skeleton ({fitting}) with --set "
        f"pose.model=…, or train the subject anew with --set pose.model={model}"
    )


def models_of(skeleton: str) -> list[str]:
    """The pose models of configs/pose that give this skeleton."""
    paths = sorted(spec_folder().glob("*.yaml"))
    return [path.stem for path in paths if read_spec(path.stem).skeleton == skeleton]
