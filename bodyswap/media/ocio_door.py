"""OpenColorIO's door: pixels from one named colour space to another, by a pinned built-in config.

It does not know plates. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import difflib
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from bodyswap.errors import UsageError

Values = npt.NDArray[np.float32]

DISPLAY = "sRGB - Display"


@dataclass(frozen=True, kw_only=True)
class ColourSpace:
    """A colour space as people name it; `encoding` is OpenColorIO's word, such as scene-linear."""

    name: str
    aliases: tuple[str, ...]
    encoding: str


def config_names() -> tuple[str, ...]:
    """The built-in configs, by the names that pin them."""
    return tuple(
        str(name) for name, *_ in PyOpenColorIO.BuiltinConfigRegistry().getBuiltinConfigs()
    )


def check_config(name: str) -> None:
    """Refuse a config that is not built in, with the nearest. Raises UsageError."""
    _opened(name)


def colour_spaces(config: str) -> tuple[ColourSpace, ...]:
    """Every colour space of the config. Raises UsageError where there is no such config."""
    opened = _opened(config)
    found = (opened.getColorSpace(name) for name in opened.getColorSpaceNames())
    return tuple(map(_told, found))


def colour_space(config: str, name: str) -> ColourSpace:
    """The space of that name or alias. Raises UsageError, with the nearest, where there is none."""
    found = _opened(config).getColorSpace(name)
    if found is None:
        raise UsageError(f"colour space '{name}' is not in {config}; {_nearest(config, name)}")
    return _told(found)


def convert(values_HW3: Values, config: str, of: str, to: str, *, look: bool) -> Values:
    """Values of the one space in the other; quick where they are only to `look` at."""
    return _applied(_between(config, of, to, look), values_HW3)


def render(values_HW3: Values, config: str, of: str, *, inverse: bool = False) -> Values:
    """Values of the space `of` as the config's SDR rendering shows them, or `inverse` back."""
    return _applied(_rendering(config, of, inverse), values_HW3)


def rendering_name(config: str) -> str:
    """What the config calls its SDR rendering."""
    views = [str(view) for view in _opened(config).getViews(DISPLAY)]
    return next(view for view in views if view.startswith("ACES") and "SDR" in view)


@cache
def _opened(name: str) -> PyOpenColorIO.Config:
    known = config_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0) or list(known)
        raise UsageError(
            f"colour.config '{name}' is not built in; did you mean '{near[0]}'? Known: "
            + ", ".join(known)
        )
    return PyOpenColorIO.Config.CreateFromBuiltinConfig(name)


@cache
def _between(config: str, of: str, to: str, look: bool) -> PyOpenColorIO.CPUProcessor:
    step = PyOpenColorIO.ColorSpaceTransform(of, to)
    return _processor(config, step, look=look)


@cache
def _rendering(config: str, of: str, inverse: bool) -> PyOpenColorIO.CPUProcessor:
    back, forth = PyOpenColorIO.TRANSFORM_DIR_INVERSE, PyOpenColorIO.TRANSFORM_DIR_FORWARD
    step = PyOpenColorIO.DisplayViewTransform(
        src=of,
        display=DISPLAY,
        view=rendering_name(config),
        direction=back if inverse else forth,
    )
    return _processor(config, step, look=not inverse)


def _processor(
    config: str, step: PyOpenColorIO.Transform, *, look: bool
) -> PyOpenColorIO.CPUProcessor:
    exactness = PyOpenColorIO.OPTIMIZATION_DEFAULT if look else PyOpenColorIO.OPTIMIZATION_LOSSLESS
    return _opened(config).getProcessor(step).getOptimizedCPUProcessor(exactness)


def _applied(processor: PyOpenColorIO.CPUProcessor, values_HW3: Values) -> Values:
    done_HW3 = np.array(values_HW3, np.float32, order="C")
    processor.applyRGB(done_HW3)
    return done_HW3


def _told(space: PyOpenColorIO.ColorSpace) -> ColourSpace:
    aliases = tuple(str(alias) for alias in space.getAliases())
    return ColourSpace(name=space.getName(), aliases=aliases, encoding=space.getEncoding())


def _nearest(config: str, name: str) -> str:
    """The spaces whose name or alias is most like it."""
    called = {
        alias.lower(): space.name
        for space in colour_spaces(config)
        for alias in (*space.aliases, space.name)
    }
    near = difflib.get_close_matches(name.lower(), called, n=6, cutoff=0.4)
    names = list(dict.fromkeys(called[each] for each in near))[:3]
    listing = "`bodyswap colours` lists them"
    return f"did you mean {' or '.join(map(repr, names))}? {listing}" if names else listing
