"""Predicts many files: the next are decoded while the network runs; a broken one is reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from segkit.core.errors import SegkitError
from segkit.core.intensity import STORED
from segkit.core.terminal import progress, show_line
from segkit.core.view import OVERLAP, TILE, View
from segkit.imaging.bands import Opened
from segkit.inference.advice import TOLD, advice
from segkit.inference.dicom_seg import DicomSeg
from segkit.inference.names import Input
from segkit.inference.objects.object_files import ObjectFiles
from segkit.inference.outputs import Files, NotWrittenError, writing
from segkit.inference.read_ahead import Answer, ask_together, grouped, open_ahead
from segkit.inference.table import OK, Table
from segkit.inference.volume_bands import volume_bands
from segkit.inference.volume_files import VolumeFiles
from segkit.inference.volumes import VolumeRows, plane_size
from segkit.inference.wanted import Wanted

if TYPE_CHECKING:
    from segkit.inference.predictor import Predictor

AnyFiles = Files | ObjectFiles | VolumeFiles
Outputs = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Job:
    """How each file is predicted.

    Attributes:
        view: of the networks.
        wanted: files.
        large: pixels above which an image is cut into tiles of 512 pixels, whatever the view.
    """

    view: View
    wanted: Wanted
    large: int

    def is_whole(self, size: tuple[int, int]) -> bool:
        """Whether an image of so many rows and columns is not cut into tiles."""
        return self.view.tile is None and size[0] * size[1] <= self.large

    def view_of(self, size: tuple[int, int]) -> View:
        """The view of an image of so many rows and columns."""
        if self.view.tile or size[0] * size[1] <= self.large:
            return self.view
        return replace(self.view, tile=TILE, overlap=OVERLAP)


def predict_all(predictor: Predictor, inputs: Sequence[Input], job: Job, table: Table) -> int:
    """Predict files into the output folder; gives the number that could not be.

    Raises:
        SegkitError: the output cannot be written.
    """
    broken, warning, told = 0, _warning(predictor), set[str]()
    columns = (
        TextColumn("predicting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
    )
    opened_ahead = open_ahead(
        inputs, job.large, lambda: predictor.together, predictor.intensity, planes=predictor.planes
    )
    said = f"predicting {len(inputs)} image{'s' * (len(inputs) != 1)}"
    with closing(opened_ahead) as files, progress(said, *columns) as bar:
        task = bar.add_task("", total=len(inputs), pace="")
        started = time.perf_counter()
        done = 0
        for group in grouped(files, lambda: predictor.together, job.is_whole):
            answers = ask_together(predictor, group, job.view.tta)
            for one, opened in group:
                try:
                    image = opened.result()

                    def tick(rows: int, done: int = done, of: int = image.size[0]) -> None:
                        # An image of many megapixels takes minutes.
                        bar.update(task, completed=done + rows / of)

                    if image.depth not in told and (line := unseen(predictor, image.depth)):
                        show_line(bar.console, f"{one}: {line}", "yellow")
                    told.add(image.depth)
                    size = plane_size(image)
                    view, wanted = job.view_of(size), table.also(one, job.wanted)
                    chosen = replace(job, view=view, wanted=wanted)
                    if chosen.view != job.view:
                        _tell_tiled(bar.console, one, size, warning)
                        warning = ""
                    _predict(
                        predictor, one, image, chosen, answers.get(one), table=table, tick=tick
                    )
                except NotWrittenError:
                    raise
                except (SegkitError, MemoryError, RuntimeError) as error:
                    broken += 1
                    table.add(one, {}, _left_out(bar.console, one, error, told))
                done += 1
                pace = f"{done / (time.perf_counter() - started):.1f} images/s"
                bar.update(task, completed=done, pace=pace)
    return broken


def _warning(predictor: Predictor) -> str:
    """Of an image that is tiled unasked: the networks know images of another size."""
    sizes = {member.size for member in predictor.members if member.size}
    if not sizes:
        return ""
    listed = " and ".join(f"{rows} × {columns}" for rows, columns in sorted(sizes))
    return (
        f"warning: this run resizes whole images to {listed} pixels; tiles are at the image's own "
        "scale, where objects may look larger than in training: 'tile=512 scale=0.25' shows them a "
        "quarter as large; with a higher large= these images are resized too, if memory holds them"
    )


def _tell_tiled(console: Console, one: Input, size: tuple[int, int], warning: str) -> None:
    if warning:
        show_line(console, warning, "yellow")
    text = f"{size[0] * size[1] / 1e6:.0f} megapixels; predicted in tiles of {TILE}"
    show_line(console, f"{one}: {text}")


def unseen(predictor: Predictor, depth: str) -> str:
    """A line on images that are stored in a type that no training image was; empty if one was."""
    if predictor.knows(depth):
        return ""
    known = " and ".join(sorted({each for m in predictor.members for each in m.depths}))
    told = f"stored as {depth}; the images that this run was trained on as {known}"
    if predictor.intensity == STORED:
        return (
            f"warning: {told}: it is scaled otherwise than they were, and its mask may be another; "
            f"convert it to {known} as they were, or train with dataset.intensity=image"
        )
    if isinstance(predictor.intensity, str):
        return f"{told}; brightness is scaled by the same rule (dataset.intensity)"
    low, high = predictor.intensity
    return f"warning: {told}: {low:g} to {high:g} are to be black and white in it, too"


def _left_out(console: Console, one: Input, error: Exception, told: set[str]) -> str:
    """Say why an image is left out, and what to do about it once; gives the reason."""
    what = _reason(error)
    show_line(console, f"left out: {one}: {what}", "red")
    if (fix := advice(error)) and fix not in told:
        show_line(console, f"  fix: {fix}")
        told.add(fix)
    return what


def _reason(error: Exception) -> str:
    if isinstance(error, SegkitError):
        # What the network takes is not to be seen in the file.
        told = error.where in TOLD
        return f"{error.what}; {error.remedy}" if told else error.what
    short = isinstance(error, MemoryError) or "out of memory" in str(error).lower()
    if not short:
        raise error  # a mistake of the program
    return "not enough memory; cut it into tiles: tile=512"


def _predict(
    predictor: Predictor,
    one: Input,
    image: Opened,
    job: Job,
    answer: Answer | None,
    *,
    table: Table,
    tick: Callable[[int], None],
) -> None:
    started = time.perf_counter() - (answer.seconds if answer else 0)
    said, wanted = predictor.task.describe(), job.wanted
    with writing(wanted.folder), _files(predictor, one, image, wanted, table.mark) as files:
        found = [(0, answer.outputs)] if answer else _bands(predictor, image, job.view)
        decode, maps, top = predictor.task.decoder.answers, wanted.probability or wanted.labels, 0
        for chances, mask in decode((outputs for _, outputs in found), maps=maps):
            pixels = image.rows(top, top + len(mask)) if wanted.overlay else None
            files.add(top, pixels, mask, chances)
            said.add(mask)
            top += len(mask)
            tick(top)
        files.finish()
        height, width = plane_size(image)
        facts: dict[str, object] = {"width": width, "height": height}
        facts |= {"tile": job.view.tile or "", **said.facts()}
        facts["beside"] = " ".join(wanted.asked)
        facts["mask"] = wanted.mask(one.name, files.suffix).name
        # The files appear when this block ends: none is there that no row lists, and no earlier one
        # that this row would be taken for.
        table.make_way(one, wanted, files.suffix)
        table.add(one, facts | {"seconds": f"{time.perf_counter() - started:.3f}"}, OK)


def _bands(predictor: Predictor, image: Opened, view: View) -> Iterator[tuple[int, Outputs]]:
    if isinstance(image, VolumeRows):
        return volume_bands(predictor, image, view)
    return predictor.bands(image, view)


def _files(predictor: Predictor, one: Input, image: Opened, wanted: Wanted, mark: str) -> AnyFiles:
    planes = predictor.task.objective.outputs
    if wanted.labels:
        return ObjectFiles(wanted, one, image, planes, predictor.classes[1])
    seg = DicomSeg(one, predictor.classes, mark, predictor.planes.z)
    if isinstance(image, VolumeRows):
        return VolumeFiles(wanted, one, image, seg)
    return Files(wanted, one.name, image.size, planes, seg)
