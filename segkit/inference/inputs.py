"""Which files predict reads, and that nothing it writes could take the place of one."""

import glob
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.home import at_home
from segkit.core.shell import argument, relative
from segkit.core.sources import ARCHIVES
from segkit.data.archives import open_archive, open_source
from segkit.data.image_files import image_files
from segkit.data.passed_over import passed_over
from segkit.data.readers.base import is_image
from segkit.data.source import is_litter, walk
from segkit.data.unpacking import UNREAD
from segkit.imaging.formats.registry import suffixes
from segkit.imaging.formats.zarr import is_zarr, is_zarr_group, require_zarr
from segkit.inference.names import Input, members


def find_inputs(given: str | Sequence[str], *, key: str = "input") -> tuple[list[Input], str]:
    """List the images that a file, a folder, an archive or a pattern names, sorted.

    Args:
        given: a file of any name, or an OME-Zarr; another folder, of which the images that lie
            directly in it are taken, or, where there is none, those below its ``images`` folders;
            an archive, of which those below ``images`` folders are taken, or, where there is none,
            all but masks; a pattern with ``*``, ``?``, ``[…]`` or ``**`` (any depth), of which the
            images are taken; or several of these. Hidden files are left out.
        key: of the configuration that names them, for an error.

    Returns:
        The images, and a line that says what was passed over (empty if nothing was).

    Raises:
        SegkitError: nothing is there, no image among it, two of one name, or a name that is not
            UTF-8.
    """
    several = list(given) if isinstance(given, list | tuple) else [given]
    # The same file may be named twice, by a folder and by itself.
    found: dict[Path, Input] = {}
    other: dict[str, str] = {}
    for one in several:
        images, rest = _find(str(one), key)
        found |= {image.path.absolute(): image for image in images}
        other |= rest
    inputs = [found[path] for path in sorted(found)]
    check_names(inputs, key)
    if any(is_zarr_group(path) for path in found):
        require_zarr()
    return inputs, passed_over(other, other)


def check_names(inputs: Sequence[Input], key: str = "input") -> None:
    """Refuse inputs whose masks could not be told apart, or listed.

    Raises:
        SegkitError: two of one name, or a name that is not UTF-8.
    """
    names: dict[str, Input] = {}
    for image in inputs:
        # No table could hold it.
        if (shown := str(image).encode("utf-8", "backslashreplace").decode()) != str(image):
            raise SegkitError("a name that is not UTF-8", where=shown, remedy="rename it")
        if names.setdefault(image.name, image) is not image:
            raise SegkitError(
                f"two inputs have the same name, and would be written as one: {image.name}",
                where=f"{key}: {names[image.name]} and {image}",
                remedy="rename one of them, or give them one after the other",
            )


def _find(given: str, key: str) -> tuple[list[Input], dict[str, str]]:
    """The images, and by their names the files that are none; see :func:`members`."""
    path = at_home(given, key)
    try:
        if path.is_file():
            archive = path.name.lower().endswith((*ARCHIVES, *UNREAD))
            return _archive(path, key) if archive else ([Input(path)], {})
        if is_zarr_group(path):
            return [Input(path)], {}
        if path.is_dir():
            everything = sorted(path.iterdir())
        elif glob.has_magic(given):
            everything = [Path(name) for name in sorted(set(_glob(str(path))))]
        else:
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise _not_there(given, key, did_you_mean(path.name, beside))
    except OSError as error:  # a folder that may not be read, or a name too long
        raise SegkitError(
            f"the input cannot be read: {error.strerror or error}",
            where=f"{key}={given}",
            remedy="name a file or a folder that you may read",
        ) from error
    files = [p for p in everything if not is_litter(p.name) and (p.is_file() or is_zarr(p))]
    images, other = _images(files)
    below = [Input(image) for image in images]
    if not images and path.is_dir():
        below, other = members(open_source(path), anywhere=False)
    if not below:
        raise _no_image(len(everything), f"{key}={given}", other, key, path)
    return below, other


def _images(files: Sequence[Path]) -> tuple[list[Path], dict[str, str]]:
    def opened(name: str) -> IO[bytes]:
        return Path(name).open("rb")

    known = image_files([str(file) for file in files], opened)
    images = [Path(name) for name in known.images]
    kept = {*images}
    left = [file for file in files if file not in kept]
    return images, {str(file): known.without_pixels.get(str(file), "") for file in left}


def _archive(path: Path, key: str) -> tuple[list[Input], dict[str, str]]:
    try:
        source = open_archive(path)
    except SegkitError as error:
        remedy = error.remedy.replace("dataset.root=", f"{key}=")
        raise SegkitError(error.what, where=f"{key}={path}", remedy=remedy) from error
    images, other = members(source, anywhere=True)
    if not images:
        raise _no_image(len(source.names()), f"{key}={path}", other, key, path)
    return images, other


def _no_image(
    count: int, where: str, other: Mapping[str, str], key: str, path: Path
) -> SegkitError:
    hint = " (folders below it are not searched, but for images/)" if path.is_dir() else ""
    kinds = f"; {passed_over(other, other)}" if other else ""
    below = Counter(PurePosixPath(name).parent for name in other if is_image(name))
    ways = [argument(key, relative(path / folder)) for folder, _ in below.most_common(3)]
    found = f"name the folder that holds the images: {' or '.join(ways)}; " if ways else ""
    return SegkitError(
        f"no image among {count} files{hint}{kinds}",
        where=where,
        remedy=f"{found}images end in {' '.join(suffixes())}; "
        f"'{key}=FOLDER/**/*.png' searches at any depth",
    )


def _not_there(given: str, key: str, hint: str) -> SegkitError:
    # Everything that lies in the folder would be no help.
    hint = f" ({hint})" if hint.startswith("did you mean") else ""
    return SegkitError(
        "the input is not there",
        where=f"{key}={given}",
        remedy=f"name a file, a folder, or a quoted pattern: '{key}=slides/*.tif'{hint}",
    )


def _glob(pattern: str) -> Iterator[str]:
    """As ``glob`` does it, but below ``**`` each folder once: circles of links would not end."""
    parts = Path(pattern).parts
    if "**" not in parts:
        yield from glob.iglob(pattern)  # noqa: PTH207  # absolute patterns too
        return
    deep = parts.index("**")
    above, rest = Path(*parts[:deep]), parts[deep + 1 :] or ("*",)
    for top in [Path(name) for name in _glob(str(above))] if parts[:deep] else [above]:
        for folder, _ in walk(top):
            hidden = any(part.startswith(".") for part in folder.relative_to(top).parts)
            if not hidden:
                yield from _glob(str(Path(glob.escape(str(folder)), *rest)))


def check_output(inputs: Sequence[Input], output: Path) -> None:
    """Refuse a folder in which an input lies, or that is a file.

    Raises:
        SegkitError: with what to do instead.
    """
    if output.exists() and not output.is_dir():
        raise SegkitError(
            "the output is a file, not a folder", where=f"output={output}", remedy="name a folder"
        )
    home = output.resolve()
    for one in inputs:
        # A link may lead into the output, from elsewhere.
        for place in (one.path.absolute(), one.path.resolve()):
            folder = place.parent.resolve()
            nested = "/" in one.name and folder.is_relative_to(home)
            around = one.path.is_dir() and home.is_relative_to(place.resolve())
            if nested or around or folder in (home, home / "probabilities", home / "colours"):
                raise SegkitError(
                    "an input lies in the output folder, where it could be overwritten",
                    where=f"{one} and output={output}",
                    remedy="name another output folder",
                )
