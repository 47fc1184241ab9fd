"""Random augmentation of one image and its mask, drawn from a seed and from nothing else."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from segkit.core.contracts import Truth
from segkit.core.environment import environment
from segkit.core.errors import SegkitError

# albumentations asks the package index for newer versions when it is imported. A training run
# opens no connection that nobody asked for, and must not wait for one on a cluster node.
with environment(NO_ALBUMENTATIONS_UPDATE="1"):
    from albumentations import BaseCompose, BasicTransform, Compose

Image = NDArray[np.uint8]
# Of labels: floats carry them exactly, and every transform takes floats.
_LARGEST_LABEL = 2**24
Transform: TypeAlias = BasicTransform | BaseCompose


class Augmenter(Protocol):
    """What augments one sample; :class:`Augmentation` says how it is called."""

    def __call__(
        self,
        image: Image,
        mask: Truth,
        *,
        seed: int,
        crop: tuple[int, int] | None = None,
        name: str = "",
    ) -> tuple[Image, Truth]:
        """Equal arguments give equal bits."""


class Augmentation:
    """A random crop, if asked for, and then a list of albumentations transforms.

    Masks are resampled by the nearest neighbour, whatever a transform says itself. An object
    pickles, and holds random state while it works: one for each process or thread.

    Args:
        transforms: albumentations transforms, ``OneOf``, ``SomeOf`` … included; applied in order.

    Raises:
        SegkitError: a transform was given an argument that it does not know.
    """

    def __init__(self, *, transforms: Sequence[Transform]) -> None:
        steps = list(transforms)
        for transform in _leaves(steps):
            _check_arguments(transform)
        self._compose = Compose(steps, mask_interpolation=cv2.INTER_NEAREST) if steps else None

    def __call__(
        self,
        image: Image,
        mask: Truth,
        *,
        seed: int,
        crop: tuple[int, int] | None = None,
        name: str = "",
    ) -> tuple[Image, Truth]:
        """Augment one sample. Equal arguments give equal bits, in any process and any order.

        Transforms may turn an image by a quarter. One that is not square would no longer fit
        its batch: it is then turned on by another quarter, so that quarter turns act as no turn
        or a half turn, and transpositions as flips.

        Args:
            image: (H, W, C) uint8; not written to.
            mask: (H, W) uint8 class indices, or int32 labels; not written to.
            seed: what everything is drawn from, 0 … 2^64-1; see :func:`sample_seed`.
            crop: rows and columns to cut out at random before anything else.
            name: what to call the sample in an error.

        Returns:
            (h, w, C) uint8 and (h, w) of the mask's type, with (h, w) the crop or else (H, W).
            Where nothing was changed these are the arguments themselves, or views of them.

        Raises:
            SegkitError: the image is smaller than the crop, or a transform changed its size,
                channels or type.
        """
        generator = np.random.default_rng(seed)
        if crop is not None:
            image, mask = random_crop(image, mask, crop, generator, name)
        if self._compose is None:
            return image, mask
        # Compose.set_random_seed would give every transform a generator of the same seed, so
        # that two flips with p=0.5 always happen together. One shared stream, drawn from in
        # turn, keeps them independent; it reaches nested transforms too.
        self._compose.set_random_state(generator, random.Random(seed))  # noqa: S311
        carried = mask if mask.dtype == np.uint8 else _as_floats(mask)
        done = self._compose(image=image, mask=carried)
        moved = _upright(done["mask"], carried, name).astype(mask.dtype, copy=False)
        return _upright(done["image"], image, name), moved


def sample_seed(seed: int, epoch: int, record_id: str) -> int:
    """A seed for one record in one epoch, 0 … 2^64-1: BLAKE2b over the three, the same everywhere.

    >>> sample_seed(7, 0, "a")
    15839111923340668834
    """
    key = f"{seed}\0{epoch}\0{record_id}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")


def random_crop(
    image: Image, mask: Truth, crop: tuple[int, int], generator: np.random.Generator, name: str
) -> tuple[Image, Truth]:
    """Cut the same window, drawn evenly, out of both.

    Raises:
        SegkitError: the image is smaller than the crop.
    """
    rows, columns = image.shape[:2]
    if rows < crop[0] or columns < crop[1]:
        raise SegkitError(
            f"an image of {columns}×{rows} pixels is smaller than the crop of {crop[1]}×{crop[0]}",
            where=f"dataset.crop, record {name}" if name else "dataset.crop",
            remedy="choose a smaller dataset.crop, or auto, or a larger dataset.size",
        )
    top = int(generator.integers(rows - crop[0] + 1))
    left = int(generator.integers(columns - crop[1] + 1))
    window = slice(top, top + crop[0]), slice(left, left + crop[1])
    return image[window], mask[window]


def _as_floats(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    if labels.size and labels.max() >= _LARGEST_LABEL:
        _, places = np.unique(labels, return_inverse=True)  # 0 is first where there is background
        labels = places.reshape(labels.shape) + (labels.min() > 0)
    return labels.astype(np.float32)


def _upright(result: NDArray[Any], before: NDArray[Any], name: str) -> NDArray[Any]:
    if result.ndim < before.ndim:  # some transforms drop a single channel
        result = result[..., None]
    if result.shape[:2] == before.shape[1::-1] != before.shape[:2]:
        result = np.ascontiguousarray(np.rot90(result))
    if result.shape != before.shape or result.dtype != before.dtype:
        raise SegkitError(
            f"the augmentation made {result.dtype} of shape {result.shape} from {before.dtype} of "
            f"shape {before.shape}",
            where=f"augment.transforms, record {name}" if name else "augment.transforms",
            remedy="leave out transforms that crop, resize, normalise or change the channels; "
            "dataset.size, dataset.crop and dataset.channels do that, and the network normalises",
        )
    return result


def _leaves(transforms: Sequence[Transform]) -> Iterator[BasicTransform]:
    for transform in transforms:
        if isinstance(transform, BaseCompose):
            yield from _leaves(transform.transforms)
        else:
            yield transform


def _check_arguments(transform: BasicTransform) -> None:
    # albumentations drops a misspelt argument with a warning, and trains on without it.
    unknown = list(transform.invalid_args)
    if unknown:
        known = ", ".join(transform.get_transform_init_args_names())
        raise SegkitError(
            f"{type(transform).__name__} knows no argument {', '.join(map(repr, unknown))}",
            where="augment.transforms",
            remedy=f"choose from: {known}",
        )
