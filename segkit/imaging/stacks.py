"""What to do with an image of many planes or channels, of which segkit reads neither."""

from pathlib import PurePath

from segkit.core.errors import SegkitError


def stack_error(shape: tuple[int, ...], axes: str, name: str) -> SegkitError:
    """Nothing is wrong with the file: it only has to be taken apart.

    Args:
        shape: of its pixels.
        axes: a letter for each: Y and X, C or S for channels, anything else for planes.
        name: of the file.
    """
    path = PurePath(name)
    size = "×".join(map(str, shape))
    # What was there is kept, under a name that is no image's.
    kept = f"{path.name}.whole"
    read = (
        f"import os; from tifffile import *; os.rename({path.name!r}, {kept!r}); "
        f"a = imread({kept!r})"
    )
    first, last = axes[:1] in ("C", "S"), axes[-1:] in ("C", "S")
    if len(shape) == 3 and (first or last):
        channels = "a[:3]" if first else "a[..., :3]"
        write = f"imwrite({path.name!r}, {channels}, photometric='rgb')"
        remedy = f'keep three channels; in its folder: python -c "{read}; {write}"'
        what = f"an image of {shape[0 if first else -1]} channels"
    else:
        write = f"[imwrite(f'{path.stem}_{{i:04}}.tif', p) for i, p in enumerate(a)]"
        remedy = (
            "write each plane as an image, in its folder and in that of its mask: "
            f'python -c "{read}; {write}"; the planes of a stack then stay in one split by '
            "'dataset.group_pattern=\"(.+)_[0-9]{4}$\"'"
        )
        what = "a stack of planes"
    return SegkitError(
        f"{what}, {size} (axes {axes}); segkit reads one plane of 1 to 4 channels",
        where=name,
        remedy=remedy,
    )
