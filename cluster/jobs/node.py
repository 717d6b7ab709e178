"""A machine of the farm, by all that people may call it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Node:
    """`names` are its own, its host's and its address, the one for people first."""

    id: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]

    def is_called(self, name: str) -> bool:
        """By one of its names, or by how its id begins."""
        return name in self.names or self.id.startswith(name)
