"""From three planes of logits to labels."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.tasks.instance.bands import decode_bands
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.targets import PLANES
from segkit.tasks.instance.watershed import decode

_EDGE = 1e-7
_ROWS = 64


class InstanceDecoder:
    """A logit for each plane; the watershed makes objects of them.

    Args:
        settings: of the watershed.
    """

    planes: tuple[str, ...] = PLANES
    activation = "sigmoid"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def mean(self, outputs: Sequence[Tensor]) -> Tensor:
        """The logits whose maps are the mean of theirs; a single one stays as it is."""
        if len(outputs) == 1:
            return outputs[0]
        maps = torch.stack([self.maps(one) for one in outputs])
        return torch.logit(maps.mean(dim=0), eps=_EDGE)

    def maps(self, outputs_BKHW: Tensor) -> Tensor:
        """(B, 3, H, W) float32."""
        return outputs_BKHW.float().sigmoid()

    def decode(self, outputs_BKHW: Tensor) -> Tensor:
        """Labels, (B, H, W) int32, on the CPU."""
        return torch.from_numpy(self.decode_maps(self.maps(outputs_BKHW).cpu().numpy()))

    def answers(
        self, bands: Iterable[NDArray[np.float32]], *, maps: bool
    ) -> Iterator[tuple[NDArray[np.float32] | None, NDArray[np.int32]]]:
        """Objects are found in windows that reach beyond a band, and come as they are complete."""
        # Of a wide image a whole band is a hundred megabytes, and it is copied anyway.
        found = (
            self.maps(torch.from_numpy(outputs[:, top : top + _ROWS])[None])[0].numpy()
            for outputs in bands
            for top in range(0, outputs.shape[1], _ROWS)
        )
        for band_KHW, labels_HW in decode_bands(found, self.settings, self.settings.halo):
            yield band_KHW if maps else None, labels_HW

    def decode_maps(self, maps_BKHW: NDArray[np.float32]) -> NDArray[np.int32]:
        """The same of maps."""
        return np.stack([decode(maps_KHW, self.settings) for maps_KHW in maps_BKHW])
