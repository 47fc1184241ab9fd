"""What the augmentation makes of a data set's images, before anyone trains on them."""

from collections.abc import Sequence

import numpy as np

from segkit.audit.audit import Audit
from segkit.audit.pictures import Picture, samples, thumbnail, truth_of
from segkit.core.channels import Channels
from segkit.data.augment import Augmenter, sample_seed
from segkit.data.panel_choice import spread
from segkit.data.readers.base import Reader
from segkit.imaging.pixels import network_input, resize_mask

_CELL, _GAP = 192, 6


def augment_sheet(
    reader: Reader,
    audit: Audit,
    augmentation: Augmenter,
    *,
    seed: int,
    size: tuple[int, int] | None,
    crop: tuple[int, int] | None,
    channels: Channels,
    rows: int = 5,
    draws: int = 6,
) -> Picture:
    """A row a training record: as it is, then as the first epochs would show it, outlined.

    Returns:
        (H, W, 3) uint8 on white.

    Raises:
        SegkitError: the augmentation does not fit the images.
    """
    records = audit.records
    training = [i for i, r in enumerate(records) if audit.splits[r.id] == "train"]
    usable = training or list(range(len(records)))
    marked = [i for i in usable if not audit.facts[i].empty]
    chosen = sorted(spread(records, marked or usable, rows))
    sheet: list[list[Picture]] = []
    for index, sample in zip(chosen, samples(reader, [records[i] for i in chosen]), strict=True):
        native = (sample.image.shape[0], sample.image.shape[1])
        image = network_input(sample.image, channels, size, records[index].image)
        known = truth_of(sample)
        truth = resize_mask(np.zeros(native, np.uint8) if known is None else known, size or native)
        name = records[index].id
        drawn = [
            augmentation(image, truth, seed=sample_seed(seed, epoch, name), crop=crop, name=name)
            for epoch in range(draws)
        ]
        line = [(image, truth), *drawn]
        # Not stretched: what augmentation makes of the brightness is to be seen.
        sheet.append([thumbnail(i, t, _CELL, alpha=0, stretched=False) for i, t in line])
    return _grid(sheet)


def _grid(rows: Sequence[Sequence[Picture]]) -> Picture:
    step = _CELL + _GAP
    columns = max((len(row) for row in rows), default=0)
    sheet = np.full((len(rows) * step + _GAP, columns * step + _GAP, 3), 255, np.uint8)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            top = _GAP + number * step + (_CELL - cell.shape[0]) // 2
            left = _GAP + column * step + (_CELL - cell.shape[1]) // 2
            sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return sheet
