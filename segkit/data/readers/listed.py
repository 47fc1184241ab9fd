"""The user's own data set: listed in a table, paired by names, or outlined in JSON."""

from segkit.core.contracts import Listing
from segkit.data.image_files import NONE, ImageFiles, image_files
from segkit.data.readers.annotations import read_annotations
from segkit.data.readers.coco import Picture, is_json, named_file, read_coco
from segkit.data.readers.layouts import as_pairs
from segkit.data.readers.manifest import GroupOf, read_manifest
from segkit.data.readers.pairs import kind_of, kinds, pair
from segkit.data.source import Source


def listed(
    source: Source, manifest: str | None, group_of: GroupOf, images: str | None, masks: str | None
) -> tuple[Listing, dict[str, Picture], ImageFiles]:
    """The records, what JSON outlines in their images, and which files are images.

    Outlines by the image's file; of images only those that were looked for.

    Args:
        source: of the data set.
        manifest: a table, or COCO JSON, that is to be read.
        group_of: the group of a record.
        images: the folder of the images, where it is named.
        masks: of the masks.

    Raises:
        SegkitError: something cannot be read, or is in doubt.
    """
    if manifest is not None and is_json(manifest):
        return *read_coco(source, named_file(source, manifest), group_of), NONE
    if manifest is not None:
        return read_manifest(source, manifest, group_of), {}, NONE
    paired = as_pairs(source.names(), images, masks)
    outlined = None if "masks" in kinds(paired) else read_annotations(source, group_of)
    if outlined:
        return *outlined, NONE
    below = {stored: called for called, stored in paired.items() if kind_of(called) == "images"}
    known = image_files([*below], source.open)
    kept = {called: name for called, name in paired.items() if name not in known.without_pixels}
    more = {below[name] for name in known.images}
    return pair(kept, group_of, more), {}, known
