"""Where the images lie that COCO JSON names, and which split they are of."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from segkit.data.readers.manifest import SPLIT_NAMES, nfc
from segkit.imaging.formats.registry import bare

_SPLIT = re.compile(rf"(?<![a-z])({'|'.join(SPLIT_NAMES)})(?![a-z])")


class Images:
    """The image files of a data set, found by what JSON calls them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._stored = {nfc(name): name for name in names}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in self._stored:
            self._by_name[PurePosixPath(name).name].append(name)
            self._by_stem[PurePosixPath(name).with_suffix("").as_posix()].append(name)

    def find(self, stated: str, file: str) -> str | None:
        """The one that an entry of a JSON file means, unless none or several may be meant."""
        stated, file = nfc(stated), nfc(file)
        known = self._by_name.get(PurePosixPath(stated).name, [])
        home = PurePosixPath(file).parent
        places = (home, home / "images", home.parent, home.parent / "images")
        for place in places:
            if (name := (place / stated).as_posix()) in known:
                return self._stored[name]
        ending = f"/{stated.lstrip('/')}"
        fit = [name for name in known if f"/{name}".endswith(ending)]
        fit = fit if len(fit) == 1 else [name for name in fit if split_of(name) == split_of(file)]
        return self._stored[fit[0]] if len(fit) == 1 else None

    def called(self, folder: PurePosixPath, stem: str) -> str | None:
        """The one image of a name without suffix in a folder, or in ``images`` beside it."""
        for place in (folder, folder.parent / "images"):
            found = self._by_stem.get(nfc((place / stem).as_posix()), [])
            if len(found) == 1:
                return self._stored[found[0]]
        return None


def key_of(image: str) -> str:
    """The image's path without suffix and without the folder ``images``."""
    path = PurePosixPath(bare(image))
    folders = [part for part in path.parts[:-1] if part.lower() != "images"]
    return PurePosixPath(*folders, path.name).as_posix()


def split_of(file: str) -> str:
    """``train``, ``val`` or ``test`` as the file's name or its folders say it, the name first."""
    for part in reversed(PurePosixPath(file.lower()).with_suffix("").parts):
        if found := _SPLIT.findall(part):
            return SPLIT_NAMES[found[-1]]
    return ""
