"""What every place for a run's states must do. A place's tests subclass it and give `objects`."""

import pytest

from bodyswap.errors import SubjectError
from bodyswap.training.checkpoints import MarkedCheckpoints, Objects


class _KilledError(Exception):
    pass


class _DyingObjects:
    """The real objects, until a write that never happens."""

    def __init__(self, objects: Objects, dies_at: str) -> None:
        self._objects, self._dies_at = objects, dies_at
        self.get, self.list_keys, self.delete = objects.get, objects.list_keys, objects.delete

    def put(self, key: str, data: bytes) -> None:
        if key.endswith(self._dies_at):
            raise _KilledError
        self._objects.put(key, data)


class CheckpointContract:
    prefix = ""

    def checkpoints(self, objects: Objects) -> MarkedCheckpoints:
        return MarkedCheckpoints(objects, self.prefix, "here")

    def names(self, objects: Objects) -> list[str]:
        return [key.removeprefix(self.prefix) for key in objects.list_keys(self.prefix)]

    def test_the_newest_state_is_given_and_none_where_there_is_none(self, objects: Objects) -> None:
        kept = self.checkpoints(objects)
        assert kept.newest() is None
        kept.put(9, b"nine")
        kept.put(10, b"ten")
        assert self.checkpoints(objects).newest() == b"ten"

    def test_the_last_two_are_kept(self, objects: Objects) -> None:
        for step in (1, 2, 300):
            self.checkpoints(objects).put(step, b"%d" % step)
        assert self.names(objects) == [
            "00000002.json", "00000002.pt", "00000300.json", "00000300.pt",
        ]  # fmt: skip

    @pytest.mark.parametrize("dies_at", [".pt", ".json"])
    def test_a_kill_before_the_marker_leaves_the_state_from_before(
        self, objects: Objects, dies_at: str
    ) -> None:
        self.checkpoints(objects).put(1, b"one")
        with pytest.raises(_KilledError):
            self.checkpoints(_DyingObjects(objects, dies_at)).put(2, b"two")
        assert self.checkpoints(objects).newest() == b"one"
        self.checkpoints(objects).put(2, b"two again")
        assert self.checkpoints(objects).newest() == b"two again"

    def test_data_whose_marker_was_never_written_goes_with_the_next_state(
        self, objects: Objects
    ) -> None:
        with pytest.raises(_KilledError):
            self.checkpoints(_DyingObjects(objects, ".json")).put(1, b"one")
        assert self.checkpoints(objects).newest() is None
        self.checkpoints(objects).put(2, b"two")
        assert self.names(objects) == ["00000002.json", "00000002.pt"]

    @pytest.mark.parametrize("damage", [b"", b"tw", b"owt"])
    def test_a_truncated_or_altered_state_is_passed_over_and_can_be_written_again(
        self, objects: Objects, damage: bytes
    ) -> None:
        kept = self.checkpoints(objects)
        kept.put(1, b"one")
        kept.put(2, b"two")
        objects.put(f"{self.prefix}00000002.pt", damage)
        assert kept.newest() == b"one"
        kept.put(2, b"two")
        assert kept.newest() == b"two"

    def test_a_state_whose_data_is_gone_is_passed_over(self, objects: Objects) -> None:
        kept = self.checkpoints(objects)
        kept.put(1, b"one")
        kept.put(2, b"two")
        objects.delete(f"{self.prefix}00000002.pt")
        assert kept.newest() == b"one"

    def test_nothing_but_damaged_states_is_an_error_not_a_fresh_start(
        self, objects: Objects
    ) -> None:
        self.checkpoints(objects).put(1, b"one")
        objects.put(f"{self.prefix}00000001.pt", b"o")
        with pytest.raises(SubjectError, match="'here' is damaged; remove it to start anew"):
            self.checkpoints(objects).newest()

    def test_a_whole_state_is_not_written_again(self, objects: Objects) -> None:
        self.checkpoints(objects).put(1, b"one")
        self.checkpoints(_DyingObjects(objects, "")).put(1, b"other")
        assert self.checkpoints(objects).newest() == b"one"
