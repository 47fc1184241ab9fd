"""Answers of the semantic task as objects: the connected components of its masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segkit.config.sizes import AUTO
from segkit.core.contracts import Batch
from segkit.core.errors import SegkitError
from segkit.imaging.components import components
from segkit.tasks.base import Task
from segkit.tasks.instance.settings import Settings
from segkit.tasks.instance.task import InstanceTask
from segkit.tasks.parts import Decoder, Objective

if TYPE_CHECKING:
    from collections.abc import Callable


class ComponentTask(InstanceTask):
    """Masks of another task, judged as objects are.

    Args:
        other: whose network and decoder give the masks.
        min_area: of a component, in pixels; smaller ones are dropped.

    Raises:
        SegkitError: more classes than background and one.
    """

    def __init__(self, other: Task, min_area: int = 0) -> None:
        super().__init__(other.classes, Settings(min_area=min_area))
        self.other = other

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the other, and the smallest area."""
        return {**self.other.settings, "min_area": self.decoding.min_area}

    def with_settings(self, settings: Mapping[str, Any], *, auto: bool = False) -> ComponentTask:
        """With others; what the other task lacks is refused as it refuses it."""
        own = {key: value for key, value in settings.items() if key == "min_area"}
        others = {key: value for key, value in settings.items() if key not in own}
        if auto and AUTO in others.values():
            raise SegkitError(
                "what components are made of is fitted by the scores of the run's own task",
                where=", ".join(f"{key}={value}" for key, value in others.items()),
                remedy="fit it without score_as=, and then give what was found",
            )
        checked = super().with_settings(own)
        return ComponentTask(self.other.with_settings(others), checked.decoding.min_area)

    @cached_property
    def objective(self) -> MaskObjective:  # type: ignore[override]
        """What its network was trained to give."""
        return MaskObjective(self.other.objective)

    @cached_property
    def decoder(self) -> ComponentDecoder:  # type: ignore[override]
        """From masks to labels."""
        return ComponentDecoder(self.other.decoder, self.decoding.min_area)


class MaskObjective:
    """The other task's, of the foreground of labels.

    Args:
        other: compares with class indices.
    """

    def __init__(self, other: Objective) -> None:
        self.other = other
        self.core_outputs, self.outputs = other.core_outputs, other.outputs
        self.reduce: Callable[[Tensor], Tensor] | None = other.reduce

    def target(self, batch: Batch) -> Tensor:
        """Of each pixel, whether it is of any object."""
        classes: Batch = {**batch, "mask_BHW": (batch["mask_BHW"] > 0).to(torch.uint8)}
        return self.other.target(classes)

    def example(self, shape_BHW: tuple[int, ...], device: Any = None) -> Tensor:
        """Background."""
        return self.other.example(shape_BHW, device)


class ComponentDecoder:
    """The other task's, and labels of what it finds: 8-connected pixels are one object.

    Args:
        other: gives masks.
        min_area: of a component, in pixels.
    """

    def __init__(self, other: Decoder, min_area: int) -> None:
        self.other, self.min_area = other, min_area
        self.planes, self.activation = other.planes, other.activation

    def mean(self, outputs: Sequence[Tensor]) -> Tensor:
        """The other's."""
        return self.other.mean(outputs)

    def maps(self, outputs_BKHW: Tensor) -> Tensor:
        """The other's."""
        return self.other.maps(outputs_BKHW)

    def decode(self, outputs_BKHW: Tensor) -> Tensor:
        """Labels, (B, H, W) int32, on the CPU."""
        return torch.from_numpy(self._labels(self.other.decode(outputs_BKHW).cpu().numpy()))

    def answers(
        self, bands: Iterable[NDArray[np.float32]], *, maps: bool
    ) -> Iterator[tuple[NDArray[np.float32] | None, NDArray[np.int32]]]:
        """The whole image at once: a component may reach through all of its bands."""
        found = list(self.other.answers(bands, maps=maps))
        masks = np.concatenate([mask for _, mask in found])
        planes = [some for some, _ in found if some is not None]
        yield np.concatenate(planes, axis=1) if maps else None, self._labels(masks[None])[0]

    def decode_maps(self, maps_BKHW: NDArray[np.float32]) -> NDArray[np.int32]:
        """The same of maps."""
        return self._labels(self.other.decode_maps(maps_BKHW))

    def _labels(self, masks_BHW: NDArray[Any]) -> NDArray[np.int32]:
        found = [components(mask > 0, self.min_area) for mask in masks_BHW]
        return np.stack(found) if found else np.zeros(masks_BHW.shape, np.int32)


TASK = ComponentTask
