"""What an OME-Zarr says of its image: NGFF 0.4 and 0.5, in JSON files that lie in its folder."""

import json
import math
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segkit.core.errors import SegkitError
from segkit.imaging.channel_names import told
from segkit.imaging.pixel_size import MICROMETRES, PixelSize

# Of what a group or an array says of itself; those of plates with thousands of wells have 2 MB.
_LONGEST = 2**24
# Where groups of either version of Zarr keep what is said of them.
GROUPS = ("zarr.json", ".zattrs")
_REWRITE = "write it as OME-Zarr 0.4 or 0.5, for instance with bioformats2raw"


@dataclass(frozen=True, slots=True)
class Multiscale:
    """An image, of which level 0 is the largest.

    Attributes:
        root: folder of the image.
        array: folder of level 0, below it.
        axes: a letter for each of its axes, such as ``TCZYX``.
        channels: what its channels are called, or none.
        pixel_size: of level 0.
    """

    root: Path
    array: Path
    axes: str
    channels: tuple[str, ...]
    pixel_size: PixelSize | None


def is_group(folder: Path) -> bool:
    """Whether a folder is a group of Zarr's, whatever its name."""
    return any((folder / name).is_file() for name in (*GROUPS, ".zgroup"))


def read_multiscale(path: Path) -> Multiscale:
    """What the image in a folder says of itself.

    Raises:
        SegkitError: the folder holds another thing, or several images.
        Exception: whatever damaged metadata raise.
    """
    root, said = path, _attributes(path)
    if "plate" in said or "well" in said:
        raise SegkitError(
            "a plate of many images in one OME-Zarr",
            where=str(path),
            remedy=f"name one of its images, such as {path}/{'0' if 'well' in said else 'A/1/0'}",
        )
    if "bioformats2raw.layout" in said and "multiscales" not in said:
        if is_group(path / "1"):
            what = "several images in one OME-Zarr"
            raise SegkitError(what, where=str(path), remedy=f"name one of them: {path}/0")
        root = inside(path, "0")
        said = _attributes(root)
    several = said.get("multiscales")
    if not several:
        what = "a Zarr that does not say that it is an image"
        raise SegkitError(what, where=str(path), remedy=_REWRITE)
    image = several[0]
    if not image.get("axes"):
        what = "an OME-Zarr that does not name its axes, as those before version 0.4 did not"
        raise SegkitError(what, where=str(path), remedy=_REWRITE)
    level, axes = image["datasets"][0], _axes(image["axes"])
    return Multiscale(
        root,
        inside(root, level["path"]),
        axes,
        _channels(said),
        _pixel_size(image, level, axes),
    )


def _attributes(folder: Path) -> dict[str, Any]:
    """What a group says of itself, of either version; empty where it says nothing."""
    if (folder / "zarr.json").is_file():
        said = read_json(folder, "zarr.json").get("attributes") or {}
        # 0.5 has a name of its own in there.
        return dict(said.get("ome") or said)
    return read_json(folder, ".zattrs") if (folder / ".zattrs").is_file() else {}


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """An object that a file in a folder holds.

    Raises:
        ValueError: another thing.
        OSError: it is not there.
    """
    path = inside(folder, name)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
        raise ValueError(f"{name} is no file of metadata")
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise TypeError(f"{name} holds no object")
    return found


def inside(root: Path, name: str) -> Path:
    """What lies below a folder by a name that a file gives.

    Raises:
        ValueError: the name, or a link, leads out of it.
    """
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{name!r} leads out of its folder")
    return path


def _axes(listed: list[dict[str, Any]]) -> str:
    letters = [str(axis["name"]).upper() for axis in listed]
    if not {"Y", "X"} <= set(letters) <= set("TCZYX") or len(set(letters)) < len(letters):
        raise ValueError(f"axes {', '.join(map(str.lower, letters))}; known are t, c, z, y and x")
    return "".join(letters)


def _channels(said: dict[str, Any]) -> tuple[str, ...]:
    with suppress(Exception):  # what a viewer is told of an image changes no pixel
        listed = said["omero"]["channels"]
        return told([str(one.get("label") or "") for one in listed], len(listed))
    return ()


def _pixel_size(image: dict[str, Any], level: dict[str, Any], axes: str) -> PixelSize | None:
    """Of both scales, the level's and the whole image's; an axis without a unit says nothing."""
    with suppress(Exception):  # what is damaged is not known
        steps = (*level["coordinateTransformations"], *image.get("coordinateTransformations", ()))
        scales = [step["scale"] for step in steps if step["type"] == "scale"]
        sides = [
            math.prod(float(scale[at]) for scale in scales) * MICROMETRES[image["axes"][at]["unit"]]
            for at in map(axes.index, "YX")
        ]
        if scales and all(math.isfinite(side) and side > 0 for side in sides):
            return sides[0], sides[1]
    return None
