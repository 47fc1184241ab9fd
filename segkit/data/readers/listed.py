"""The user's own data set: listed in a table, paired by names, or outlined in JSON."""

from segkit.core.contracts import Listing
from segkit.data.image_files import image_files
from segkit.data.readers.annotations import read_annotations
from segkit.data.readers.base import is_image
from segkit.data.readers.coco import Picture, is_json, named_file, read_coco
from segkit.data.readers.layouts import as_pairs
from segkit.data.readers.manifest import GroupOf, read_manifest
from segkit.data.readers.pairs import kind_of, kinds, pair
from segkit.data.source import Source


def listed(
    source: Source, manifest: str | None, group_of: GroupOf, images: str | None, masks: str | None
) -> tuple[Listing, dict[str, Picture], dict[str, str]]:
    """The records, what JSON outlines in their images, and what files hold no image.

    Args:
        source: of the data set.
        manifest: a table, or COCO JSON, that is to be read.
        group_of: the group of a record.
        images: the folder of the images, where it is named.
        masks: of the masks.

    Returns:
        The records; outlines by the image's file; and of files without pixels what they are.

    Raises:
        SegkitError: something cannot be read, or is in doubt.
    """
    if manifest is not None and is_json(manifest):
        return *read_coco(source, named_file(source, manifest), group_of), {}
    if manifest is not None:
        return read_manifest(source, manifest, group_of), {}, {}
    names = source.names()
    known = image_files([name for name in names if kind_of(name) != "masks"], source.open)
    more = {name for name in known.images if not is_image(name)}
    kept = [name for name in names if name not in known.without_pixels]
    paired = as_pairs(kept, images, masks, more)
    outlined = None if "masks" in kinds(paired) else read_annotations(source, group_of)
    return *(outlined or (pair(paired, group_of, more), {})), known.without_pixels
