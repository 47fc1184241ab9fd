"""A volume to predict: its slices one below the other, as if they were one high image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.intensity import STANDARD
from segkit.data.readers.slices import difference
from segkit.data.volumes import reading, volume_window
from segkit.imaging.bands import Opened
from segkit.imaging.formats.base import Open, Slicing, Stack, Volume
from segkit.imaging.formats.registry import volume_format
from segkit.imaging.intensity import Rule, Window, as_numbers, watch, window_of
from segkit.imaging.pixels import Pixels, to_uint8


@dataclass(frozen=True, slots=True)
class File:
    """A volume's file: what to call it in errors, and what opens it."""

    name: str
    open: Open


class VolumeRows:
    """Slices of a volume, 0…255, which are decoded when the first is asked for.

    Args:
        files: of its sequences, at least one.
        slicing: how they are cut.
        rule: of intensities.

    Raises:
        SegkitError: a header cannot be read, or they do not lie on one grid.

    Attributes:
        slices: how many.
        plane: rows and columns of each.
        size: of all, one below the other.
    """

    def __init__(self, files: Sequence[File], slicing: Slicing, rule: Rule) -> None:
        self.files, self.slicing, self._rule = files, slicing, rule
        self.channels: tuple[str, ...] = ()
        self._volumes = [_opened(file, slicing) for file in files]
        first = self._volumes[0]
        for file, other in zip(files, self._volumes, strict=True):
            if what := difference(first, other):
                raise SegkitError(
                    f"{what} ({files[0].name})",
                    where=file.name,
                    remedy="give sequences of one grid: register, and resample them",
                )
        self.slices, self.plane = first.slices, first.size
        self.size = (self.slices * self.plane[0], self.plane[1])

    @cached_property
    def _stacks(self) -> list[tuple[Stack, Window]]:
        stacks = []
        for file, volume in zip(self.files, self._volumes, strict=True):
            with reading(file.name):
                stacks.append(volume.read())
        if self._rule == STANDARD and len(stacks) > 1:
            return list(zip(stacks, self._standard(stacks), strict=True))
        named = zip(stacks, self.files, strict=True)
        return [(stack, volume_window(stack, self._rule, file.name)) for stack, file in named]

    def _standard(self, stacks: Sequence[Stack]) -> list[Window]:
        """Of each sequence: what is foreground, all of them say together, as in training."""
        seen, counts = watch(self._rule), [0] * len(stacks)
        for number in range(self.slices):
            planes = [np.atleast_3d(as_numbers(stack.picture(number).pixels)) for stack in stacks]
            for file, plane in zip(self.files, planes, strict=True):
                window_of(plane, (0, 1), file.name)  # refuses what is not finite
            seen.add(np.dstack(planes))
            counts = [plane.shape[2] for plane in planes]
        window, ends = seen.window(self._rule), np.cumsum([0, *counts])
        return [
            Window(window.low[start:end], window.high[start:end]) for start, end in pairwise(ends)
        ]

    @cached_property
    def depth(self) -> str:
        """Type of what is stored."""
        return str(self._plane(self._stacks[0][0], 0).dtype)

    def image(self, number: int) -> NDArray[np.uint8]:
        """(H, W) or (H, W, C) uint8 of one slice, scaled as the whole volume is."""
        planes = [
            to_uint8(self._plane(stack, number), file.name, window)
            for file, (stack, window) in zip(self.files, self._stacks, strict=True)
        ]
        return planes[0] if len(planes) == 1 else np.dstack(planes)

    def _plane(self, stack: Stack, number: int) -> Pixels:
        # A range of intensities is of what was measured, such as Hounsfield units.
        return stack.picture(number).values(measured=isinstance(self._rule, tuple))

    def rows(self, top: int, bottom: int) -> NDArray[np.uint8]:
        """Rows of slices one below the other."""
        height = self.plane[0]
        first, last = top // height, -(-bottom // height)
        image = np.concatenate([self.image(number) for number in range(first, last)])
        return image[top - first * height : bottom - first * height]

    def stored(self, top: int, bottom: int) -> NDArray[np.uint8]:
        """The same: nothing measures what is stored in a volume."""
        return self.rows(top, bottom)


def _opened(file: File, slicing: Slicing) -> Volume:
    kind = volume_format(file.name)
    assert kind is not None
    assert kind.volume is not None
    with reading(file.name):
        found = kind.volume(file.open, file.name, slicing)
    if found is None:
        raise SegkitError(
            "a single plane, where a volume is expected",
            where=file.name,
            remedy="give all sequences of an image the same slices",
        )
    return found


def plane_size(image: Opened) -> tuple[int, int]:
    """Rows and columns that a network sees: of a volume, those of a slice."""
    return image.plane if isinstance(image, VolumeRows) else image.size
