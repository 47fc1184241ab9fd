"""Volumes among what is predicted: files of one patient together, and what fits none of them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from segkit.core.channels import Channels, channels_of
from segkit.core.errors import SegkitError
from segkit.core.planes import SLICES, Planes
from segkit.data.readers.pairs import FOLDERS
from segkit.data.readers.sequences import split_number
from segkit.data.volumes import reading
from segkit.imaging.formats import dicom
from segkit.imaging.formats.base import HEAD, Slicing
from segkit.imaging.formats.registry import bare, format_of, volume_format
from segkit.inference.names import Input
from segkit.inference.wanted import Wanted

_PLANES_ALONE = ("probability", "colour", "rle")


def as_cases(
    inputs: Sequence[Input], configs: Sequence[Mapping[str, Any]], say: Callable[[str], None]
) -> list[Input]:
    """Inputs of which sequences of one patient are one, and volumes are cut as in training.

    ``case_0000.nii.gz`` and ``case_0001.nii.gz`` are sequences of ``case`` in nnU-Net's folders;
    elsewhere where each case has as many, from 0000 on, as the runs take channels.

    Args:
        inputs: files.
        configs: of the runs.
        say: tells what was put together.

    Raises:
        SegkitError: runs of different axes, or a case without one of its sequences.
    """
    if not any(one.mask for one in inputs):
        return list(inputs)
    axis = _axis(configs)
    channels = channels_of(configs[0]["dataset"]["channels"])
    folders = defaultdict[Path, dict[str, dict[int, Input]]](lambda: defaultdict(dict))
    for one in inputs:
        if one.mask and (found := split_number(bare(one.path.name))):
            folders[one.path.parent][found[0]][found[1]] = one
    joined: dict[Input, Input | None] = {}
    for folder, cases in folders.items():
        named = folder.name.lower() in FOLDERS and folder.name.lower() not in ("images", "masks")
        if not named and not _taken(cases.values(), channels):
            continue
        say(f"{folder}: sequences, as nnU-Net numbers them; images: {len(cases)}")
        for case, numbers in cases.items():
            first, *others = _sequences(case, numbers)
            called = first.name.removesuffix(bare(first.path.name)) + case
            joined |= dict.fromkeys(others) | {
                first: replace(first, called=called, sequences=tuple(others))
            }
    kept = (joined.get(one, one) for one in inputs)
    return [replace(one, axis=axis) if one.mask else one for one in kept if one is not None]


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


def _taken(cases: Collection[Mapping[int, Input]], channels: Channels) -> bool:
    """Whether all have the sequences that the runs take as channels, several and no others."""
    counts = {len(numbers) for numbers in cases}
    count = max(counts)
    whole = all(sorted(numbers) == list(range(count)) for numbers in cases)
    fits = max(channels) < count if isinstance(channels, tuple) else channels == count
    return whole and fits and count > 1


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
