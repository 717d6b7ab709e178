"""Settings out of YAML and `key=value` texts; unknown keys are refused with the nearest known one.

It does not know which settings there are: any dataclass with defaults will do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bodyswap.errors import UsageError
from bodyswap.spelling import near_miss

Settings = TypeVar("Settings")


def settings_from(
    schema: type[Settings], values: Mapping[str, object], *, of: str = ""
) -> Settings:
    """An instance of the dataclass `schema` that differs from its defaults by `values`.

    `of` is put before the keys in errors. Raises UsageError at unknown keys and wrong values.
    """
    _refuse_unknown_keys(values, schema, prefix=of)
    try:
        merged = OmegaConf.merge(OmegaConf.structured(schema), OmegaConf.create(dict(values)))
        settings = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise UsageError(f"setting {of}{error.full_key}: {_in_one_line(error)}") from error
    assert isinstance(settings, schema)
    return settings


def merged_values(values: Mapping[str, object], overrides: Sequence[str]) -> dict[str, object]:
    """The values, changed by `key=value` texts such as "pose.batch_frames=4"."""
    for text in overrides:
        if "=" not in text:
            raise UsageError(f"override '{text}' has no '='; write it like pose.batch_frames=4")
    try:
        changes = OmegaConf.from_dotlist(list(overrides))
        merged = OmegaConf.to_container(OmegaConf.merge(OmegaConf.create(dict(values)), changes))
    except (YAMLError, OmegaConfBaseException) as error:
        raise UsageError(
            f"override {' '.join(map(repr, overrides))} cannot be read: {_in_one_line(error)};"
            " write it like pose.batch_frames=4"
        ) from error
    assert isinstance(merged, dict)
    return {str(key): value for key, value in merged.items()}


def read_yaml(path: Path) -> dict[str, object]:
    """What a yaml file of settings says. Raises UsageError where it is none."""
    try:
        values = OmegaConf.to_container(OmegaConf.load(path))
    except (OSError, YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read '{path}': {_in_one_line(error)}") from error
    if not isinstance(values, dict):
        raise UsageError(f"'{path}' holds a list; write settings as KEY: VALUE")
    return {str(key): value for key, value in values.items()}


def _refuse_unknown_keys(values: Mapping[str, object], schema: type, prefix: str) -> None:
    known = {item.name: item for item in fields(schema)}
    for key, value in values.items():
        if key not in known:
            hint = near_miss(key, known, before=prefix) or f"known: {', '.join(known)}"
            raise UsageError(f"setting '{prefix}{key}' is unknown; {hint}")
        nested = known[key].type
        if not (isinstance(nested, type) and is_dataclass(nested)):
            continue
        if not isinstance(value, Mapping):
            inner = ", ".join(f"{prefix}{key}.{item.name}" for item in fields(nested))
            raise UsageError(
                f"setting '{prefix}{key}' is {value!r}, and has settings of its own; set {inner}"
            )
        _refuse_unknown_keys(value, nested, prefix=f"{prefix}{key}.")


def _in_one_line(error: Exception) -> str:
    if isinstance(error, YAMLError):  # its last line tells where
        return " ".join(str(error).split())
    return str(error).splitlines()[0] if str(error) else type(error).__name__
