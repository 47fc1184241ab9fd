"""Volumes among what is predicted: files of one patient together, and what fits none of them."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError
from segkit.core.planes import SLICES, Planes
from segkit.data.readers.pairs import FOLDERS
from segkit.data.readers.sequences import split_number
from segkit.data.volumes import reading
from segkit.imaging.formats import dicom
from segkit.imaging.formats.base import HEAD, Slicing
from segkit.imaging.formats.registry import bare, format_of, volume_format
from segkit.inference.inputs import check_names
from segkit.inference.names import Input
from segkit.inference.wanted import Wanted

_PLANES_ALONE = ("probability", "colour", "rle")
# Folders of nnU-Net's, in which every image has the number of its sequence.
_NUMBERED = FOLDERS.keys() - {"images", "masks"}


def as_cases(
    inputs: Sequence[Input],
    configs: Sequence[Mapping[str, Any]],
    files: int,
    say: Callable[[str], None],
) -> list[Input]:
    """Inputs of which sequences of one patient are one, and volumes are cut as in training.

    ``case_0000.nii.gz`` and ``case_0001.nii.gz`` are sequences of ``case`` in nnU-Net's folders;
    elsewhere where the runs were trained on several files an image.

    Args:
        inputs: files.
        configs: of the runs.
        files: that each image of theirs was in; 0 where they do not tell.
        say: tells what was put together.

    Raises:
        SegkitError: runs of different axes; an image of more files than theirs, or of fewer; or
            two of one name.
    """
    folders = defaultdict[Path, dict[str, dict[int, Input]]](lambda: defaultdict(dict))
    for one in inputs:
        if found := split_number(bare(one.path.name)):
            folders[one.path.parent][found[0]][found[1]] = one
    joined: dict[Input, Input | None] = {}
    for folder, cases in folders.items():
        if files < 2 and folder.name.lower() not in _NUMBERED:
            continue
        say(f"{folder}: sequences, as nnU-Net numbers them; images: {len(cases)}")
        for case, numbers in cases.items():
            first, *others = _sequences(case, numbers)
            called = first.name.removesuffix(bare(first.path.name)) + case
            joined |= dict.fromkeys(others) | {
                first: replace(first, called=called, sequences=tuple(others))
            }
    kept = [one for one in (joined.get(one, one) for one in inputs) if one is not None]
    check_names(kept)
    _check_files(kept, files)
    if not any(one.mask for one in kept):
        return kept
    axis = _axis(configs)
    return [replace(one, axis=axis) if one.mask else one for one in kept]


def _check_files(inputs: Sequence[Input], files: int) -> None:
    for one in inputs:
        if files and len(one.sequences) + 1 != files:
            raise SegkitError(
                f"sequences of an image: {len(one.sequences) + 1}; of those that the run was "
                f"trained on: {files}",
                where=f"input: {one}",
                remedy="name all files of each image, as nnU-Net numbers them: case_0000.nii.gz, "
                "case_0001.nii.gz"
                if files > 1
                else "predict each file by itself, in a folder "
                "that is not called as one of nnU-Net's",
            )


def as_stacks(inputs: Sequence[Input], planes: Planes) -> list[Input]:
    """Inputs of which TIFF stacks are known as such, where each of their planes is an image.

    What cannot be read is said when it is predicted.
    """
    if planes.z != SLICES:
        return list(inputs)
    found = []
    for one in inputs:
        volume = None
        with suppress(SegkitError), reading(str(one)):
            kind = volume_format(one.path.name)
            if kind and kind.volume and not one.mask:
                volume = kind.volume(one.stream, str(one), Slicing(planes=planes))
        found.append(replace(one, planes=planes) if volume else one)
    return found


def _axis(configs: Sequence[Mapping[str, Any]]) -> str:
    axes = {str(config["dataset"].get("axis", "axial")) for config in configs}
    if len(axes) > 1:
        raise SegkitError(
            f"runs that cut volumes along different axes: {', '.join(sorted(axes))}",
            where="run",
            remedy="predict with runs of one dataset.axis",
        )
    return axes.pop()


def _sequences(case: str, numbers: Mapping[int, Input]) -> list[Input]:
    for number in range(max(numbers) + 1):
        if number not in numbers:
            raise SegkitError(
                f"the case {case} lacks its sequence {number:04}",
                where=str(next(iter(numbers.values()))),
                remedy="add the file, or move the others of the case elsewhere",
            )
    return [numbers[number] for number in sorted(numbers)]


def check_volumes(inputs: Sequence[Input], wanted: Wanted) -> None:
    """Refuse what is not written of volumes.

    Raises:
        SegkitError: with what to leave out.
    """
    volume = next((one for one in inputs if one.mask), None)
    if volume is None:
        return
    if wanted.labels:
        raise SegkitError(
            "a volume, and a run of task=instance, which tells objects apart in planes",
            where=f"input: {volume}",
            remedy="predict it with a run of task=semantic, or its slices as images",
        )
    for kind in _PLANES_ALONE:
        if getattr(wanted, kind):
            raise SegkitError(
                f"{kind} is not written of volumes, such as {volume}",
                where=f"{kind}=true",
                remedy="leave it out, or predict volumes and images one after the other",
            )


def check_dicom(inputs: Sequence[Input], wanted: Wanted) -> None:
    """Refuse to write DICOM-SEG of what is no DICOM; what is damaged is said when it is predicted.

    Raises:
        SegkitError: with what to leave out.
    """
    for one in inputs if wanted.dicom_seg else ():
        found = None
        with suppress(SegkitError, OSError), one.stream() as stream:
            found = format_of(stream.read(HEAD))
        if found not in (None, dicom.FORMAT):
            raise SegkitError(
                f"DICOM-SEG refers to a DICOM image, and {one} is {found.name}",
                where="dicom_seg=true",
                remedy="leave it out, or predict DICOM files alone",
            )
