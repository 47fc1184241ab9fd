"""From an image to classes and probabilities, with one trained network or several."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segkit.core.channels import channel_count
from segkit.core.errors import SegkitError, did_you_mean, naming
from segkit.core.hardware import autocast, best_precision, chosen_device
from segkit.core.home import at_home
from segkit.core.limits import DEFAULT_MEGAPIXELS, limited_to
from segkit.core.view import PRECISIONS, View
from segkit.imaging.bands import Rows, rows_of
from segkit.imaging.intensity import Window
from segkit.imaging.pixels import Pixels, network_input
from segkit.imaging.scaled_bands import between_rows, scaled
from segkit.inference.member import Member
from segkit.inference.names import Input
from segkit.inference.objects.measure import Columns
from segkit.inference.objects.of_image import measure_objects
from segkit.inference.prediction import Prediction
from segkit.inference.tiling import Box, blend
from segkit.inference.views import TURNS, turned
from segkit.models.folding import for_inference, mixes_images
from segkit.models.footprint import require_whole
from segkit.tasks.base import Task
from segkit.tasks.named import no_objects
from segkit.tasks.outputs import outputs_at

__all__ = ["Member", "Prediction", "Predictor"]

# Pixels of an image that is answered whole without a thought of memory.
_UNFORESEEN = 2**22
# Of the image that a network is tried out with, in pixels.
_PROBE = (64, 64)
# Pixels that are answered at once: more do not fit a CPU's caches, fewer leave a GPU idle.
_AT_ONCE = {"cpu": 2**18, "cuda": 2**21}


class Predictor:
    """Predicts images with one trained network, or with the mean probability of several.

    >>> predictor = segkit.load_run("DIR")  # doctest: +SKIP
    >>> prediction = predictor(image)  # resized as in training  # doctest: +SKIP
    >>> prediction = predictor(image, tile=512)  # in tiles, at its own scale  # doctest: +SKIP

    Args:
        members: at least one; all with the same classes and intensities.
        task: that they were trained for.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        precision: ``auto`` (as evaluate chooses it), ``bf16-mixed`` or ``32-true``.

    Raises:
        SegkitError: there is no such device or precision.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        task: Task,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.planes = members[0].planes
        self.device = chosen_device(device)
        self._at_once = _AT_ONCE[self.device]
        self.task, self.intensity = task, members[0].intensity
        if any(m.intensity != self.intensity for m in members):
            raise ValueError("the members see images of different intensities")
        if precision not in PRECISIONS:
            remedy = did_you_mean(precision, PRECISIONS)
            raise SegkitError(f"unknown precision {precision!r}", where="precision", remedy=remedy)
        self.precision = best_precision(self.device) if precision == "auto" else precision
        self.members = [replace(m, network=self._prepared(m)) for m in members]
        sizes = [m.size for m in members if m.size and not mixes_images(m.network)]
        self._largest = max(map(prod, sizes)) if len(sizes) == len(members) else 0

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, background first."""
        return self.task.classes

    def __call__(
        self,
        image: Pixels | str | Path,
        *,
        tile: int | None = None,
        overlap: int = 64,
        scale: float = 1.0,
        tta: str = "none",
        max_megapixels: float = DEFAULT_MEGAPIXELS,
        window: tuple[float, float] | Window | None = None,
    ) -> Prediction:
        """Predict one image.

        Args:
            image: a file, or an array (H, W) or (H, W, C) of any real type, without alpha. Its
                values become 0…255 as in training.
            tile: side of the tiles in pixels; None resizes the whole image to each run's size.
            overlap: overlap of neighbouring tiles, in pixels.
            scale: factor by which the image is resized before it is cut into tiles.
            tta: ``none``, ``flip`` (mean over 4 mirror images) or ``rotate`` (mean over 8 views).
            max_megapixels: larger files are refused before they are decoded, except TIFFs and
                OME-Zarrs that can be read band by band.
            window: the stored values that become 0 and 255, such as those of a whole patient, in
                place of what the runs' ``dataset.intensity`` makes of this image alone.

        Raises:
            SegkitError: not an image, values that are not finite, or settings that do not fit.
        """
        view = View(tile, overlap, scale, tta)
        file = image if isinstance(image, str | Path) else None
        with limited_to(max_megapixels), naming(file):
            rule = self.intensity if window is None else window
            rows = rows_of(image, tiled=tile is not None, rule=rule, planes=self.planes)
            bands = (band for _, band in self.bands(rows, view))
            # As predict does it: what is decoded in views there is here.
            chances, masks = zip(*self.task.decoder.answers(bands, maps=True), strict=True)
        probability, mask = np.concatenate(chances, axis=1), np.concatenate(masks)

        def measured() -> Columns:
            if not self.task.labels:
                raise no_objects(self.task.name, "prediction.objects")
            path = at_home(file, "image") if file else None
            with limited_to(max_megapixels):
                size = Input(path).pixel_size() if path else None
                return measure_objects(mask, rows, probability[0], size)

        return Prediction(mask, probability, measured)

    def bands(self, image: Rows, view: View) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Outputs from the top down: the first row of each band, and (K, h, W) float32.

        A whole image is one band. Of several networks or views they are what the decoder takes
        for their mean.
        """
        if view.tile is None:
            yield 0, self.whole([image.rows(0, image.size[0])], view.tta)[0]
            return
        if view.scale == 1:
            yield from self._tiled(image, view)
            return
        height, width = (max(1, round(side * view.scale)) for side in image.size)
        found = self._tiled(scaled(image, (height, width)), view)
        for top, outputs in between_rows(found, height, image.size[0]):
            wide = outputs_at(torch.from_numpy(outputs), (outputs.shape[1], image.size[1]))
            yield top, wide.numpy()

    def knows(self, depth: str) -> bool:
        """Whether all runs were trained on images that are stored so, or do not tell."""
        return all(not m.depths or depth in m.depths for m in self.members)

    @property
    def together(self) -> int:
        """How many whole images are best answered together.

        1 where each keeps its own size, or a norm would take in its neighbours.
        """
        return self._fit(self._largest) if self._largest else 1

    def halve(self) -> None:
        """Answer half as many pixels at once from now on: memory did not hold them."""
        self._at_once = max(1, self._at_once // 2)

    def whole(
        self, images: Sequence[NDArray[np.uint8]], tta: str = "none"
    ) -> list[NDArray[np.float32]]:
        """Outputs (K, H, W) of whole images (H, W[, C]), each at its own size."""
        self._foresee([(image.shape[0], image.shape[1]) for image in images], len(TURNS[tta]))
        found = [self._answers(member, images, tta) for member in self.members]
        mean = self.task.decoder.mean
        return [np.asarray(mean(one)[0].numpy()) for one in zip(*found, strict=True)]

    def _foresee(self, sizes: Sequence[tuple[int, int]], views: int) -> None:
        """A GPU says itself what it cannot hold; the kernel ends a process without a word."""
        planes = self.task.objective.outputs
        for size in sizes if self.device == "cpu" else ():
            if prod(size) > _UNFORESEEN:
                whole = [m for m in self.members if m.size is None]
                own = [(m.network, channel_count(m.channels)) for m in whole]
                require_whole(own, size, planes=planes * views, precision=self.precision)

    def _answers(
        self, member: Member, images: Sequence[NDArray[np.uint8]], tta: str
    ) -> Iterator[Tensor]:
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        planes = [network_input(image, member.channels, member.size) for image in images]
        # Copies, which torch may write to.
        batches = [np.stack(planes)] if member.size else [np.stack([one]) for one in planes]
        answers = (one for batch in batches for one in self._ask(member, batch, tta))
        for outputs_KHW, size in zip(answers, sizes, strict=True):
            yield outputs_at(outputs_KHW, size)[None].cpu()

    def _fit(self, pixels: int) -> int:
        return max(1, self._at_once // pixels)

    def _tiled(self, image: Rows, view: View) -> Iterator[tuple[int, NDArray[np.float32]]]:
        assert view.tile is not None
        kept_top, kept = 0, np.zeros((0, image.size[1]), np.uint8)
        at_once = self._fit(view.tile**2)

        def answer(boxes: list[Box]) -> Iterator[NDArray[np.float32]]:
            nonlocal kept_top, kept
            # What this row of tiles shares with the last has been decoded already.
            top, bottom = boxes[0][0].start, boxes[0][0].stop
            read = kept_top + len(kept)
            fresh = image.rows(max(read, top), bottom)
            shared = kept[top - kept_top :]
            kept_top, kept = top, np.concatenate([shared, fresh]) if len(shared) else fresh
            for first in range(0, len(boxes), at_once):
                some = boxes[first : first + at_once]
                tiles = np.stack([kept[:, columns] for _, columns in some])
                yield from self._tiles(tiles, view.tta)

        yield from blend(image.size, view.tile, view.overlap, answer)

    def _tiles(self, tiles: NDArray[np.uint8], tta: str) -> NDArray[np.float32]:
        """Outputs (B, K, h, w) of tiles (B, h, w[, C])."""
        found = []
        for member in self.members:
            planes = np.stack([network_input(tile, member.channels, None) for tile in tiles])
            found.append(self._ask(member, planes, tta).float().cpu())
        return np.asarray(self.task.decoder.mean(found).numpy())

    @torch.inference_mode()
    def _ask(self, member: Member, image_BHWC: NDArray[np.uint8], tta: str) -> Tensor:
        image_BCHW = torch.from_numpy(image_BHWC).permute(0, 3, 1, 2).to(self.device)
        found = []
        for turns, mirrored in TURNS[tta]:
            with autocast(torch.device(self.device), self.precision):
                outputs = member.network(turned(image_BCHW, turns, mirrored=mirrored))
            # Mirroring undoes itself, and turns the other way round.
            found.append(turned(outputs, turns if mirrored else -turns, mirrored=mirrored))
        return self.task.decoder.mean(found)

    def _prepared(self, member: Member) -> nn.Module:
        network = member.network.eval().to(self.device)
        draw = torch.Generator().manual_seed(0)
        shape = (1, channel_count(member.channels), *(member.size or _PROBE))
        image_BCHW = 255 * torch.rand(shape, generator=draw)
        return for_inference(network, image_BCHW.to(self.device), self.precision)
