"""Where the images lie that COCO JSON names, and which split they are of."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from segkit.data.readers.manifest import SPLIT_NAMES

_SPLIT = re.compile(rf"(?<![a-z])({'|'.join(SPLIT_NAMES)})(?![a-z])")


def find_image(stated: str, file: str, images: Mapping[str, Sequence[str]]) -> str | None:
    """The file in the data set that an image entry means, unless none or several may be meant."""
    known = images.get(PurePosixPath(stated).name, [])
    home = PurePosixPath(file).parent
    places = (home, home / "images", home.parent, home.parent / "images")
    for place in places:
        if (name := (place / stated).as_posix()) in known:
            return name
    ending = f"/{stated.lstrip('/')}"
    fit = [name for name in known if f"/{name}".endswith(ending)]
    fit = fit if len(fit) == 1 else [name for name in fit if split_of(name) == split_of(file)]
    return fit[0] if len(fit) == 1 else None


def key_of(image: str) -> str:
    """The image's path without suffix and without the folder ``images``."""
    path = PurePosixPath(image).with_suffix("")
    folders = [part for part in path.parts[:-1] if part.lower() != "images"]
    return PurePosixPath(*folders, path.name).as_posix()


def split_of(file: str) -> str:
    """``train``, ``val`` or ``test`` as the file's name or its folders say it, the name first."""
    for part in reversed(PurePosixPath(file.lower()).with_suffix("").parts):
        if found := _SPLIT.findall(part):
            return SPLIT_NAMES[found[-1]]
    return ""
