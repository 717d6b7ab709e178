"""How the pose network is run while it trains: at two sizes, with coarse maps read off its inside.

Shape letters: B samples, H rows, W columns, K joints, X and Y bins, 3 = red, green, blue.
"""

from collections.abc import Callable

from torch import Tensor, nn

from bodyswap.keypoints.mmpose_door import TopDownModel


class Tutor(nn.Module):
    """Coarse maps read off the network while it trains, and not shipped with it.

    One comes from the backbone's third stage by a layer of its own, one is the head's own map.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        last = network.get_submodule("head.final_layer")
        assert isinstance(last, nn.Conv2d)
        self.read = nn.Conv2d(_last_halving(network).in_channels, last.out_channels, 1)
        self._seen: dict[str, Tensor] = {}
        network.get_submodule("backbone.stage3").register_forward_hook(self._watch("middle"))
        last.register_forward_hook(self._watch("last"))

    def forward(self) -> tuple[Tensor, Tensor]:
        return self.read(self._seen.pop("middle")), self._seen.pop("last")

    def _watch(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def watch(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._seen[name] = output

        return watch


def forward(
    model: TopDownModel, inputs_B3HW: Tensor, *, is_coarse: bool = False
) -> tuple[Tensor, Tensor]:
    """The head's two distributions.

    Pictures of half size skip the last halving, so that the last stage and the head see the same
    grid over a person as they will at full size.
    """
    _last_halving(model.network).stride = (1, 1) if is_coarse else (2, 2)
    x_BKX, y_BKY = model.head_outputs(inputs_B3HW)
    return x_BKX, y_BKY


def _last_halving(network: nn.Module) -> nn.Conv2d:
    layer = network.get_submodule("backbone.stage4.0.conv")
    assert isinstance(layer, nn.Conv2d)
    return layer
