"""Images and masks that viewers turn, by a tag in the file, against each other.

Pixels are read as stored: an EXIF orientation, by which viewers turn a photograph, is not applied.
Whoever drew a mask may have seen the image turned or not, so an image that asks to be turned
otherwise than its mask is an error, unless the sizes show that the mask is of the stored pixels.
"""

from segkit.core.errors import SegkitError


def check_turn(
    mask: tuple[int, ...], own: int, image: tuple[int, ...], turned: int, where: str
) -> None:
    """Refuse a mask that may have been drawn on its image as a viewer turns it.

    Args:
        mask: rows and columns, as ``image``.
        own: EXIF orientation, as ``turned`` is the image's.
        image: rows and columns.
        turned: the image's orientation.
        where: the mask's name.

    Raises:
        SegkitError: it may.
    """
    if own == turned:
        return
    # Orientations 5…8 are quarter turns: lying and upright images cannot be mistaken.
    quarter = (own > 4) != (turned > 4)
    if quarter and image[0] != image[1] and mask == image:
        return
    if mask not in (image, image[::-1]):
        return  # the common check names both sizes
    raise SegkitError(
        f"a mask with EXIF orientation {own} of an image with {turned}: whether it was drawn on "
        "the pixels as stored or as shown cannot be known",
        where=where,
        remedy="write both out turned and without the tag (magick mogrify -auto-orient), or "
        "delete the tag if the mask fits the stored pixels",
    )
