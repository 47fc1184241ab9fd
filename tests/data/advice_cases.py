"""Masks that need a setting: what must be said, and where each way out must lead."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from tests.data.mask_files import (
    Files,
    Truth,
    bars,
    decoded,
    few,
    ids,
    jpeg,
    painted,
    png,
    rainbow,
    soft,
    tif,
)

DISC = soft() > 127
LOSSY = jpeg(soft().astype(np.uint8))
DIM = jpeg(soft(90).astype(np.uint8))
RED, GREEN = np.array((255, 0, 0), np.uint8), np.array((0, 255, 0), np.uint8)
IDS = ids()
# Twelve objects from 1 on and 24 at the upper end, as after objects in between were removed.
SPREAD = np.where(ids(count=36) > 12, ids(count=36) + 200, ids(count=36)).astype(np.uint8)
# An area that is not to be counted, as large as the objects.
IGNORED = np.where(np.arange(48)[:, None] >= 32, 255, ids(count=24)).astype(np.uint8)


@dataclass(frozen=True)
class Case:
    """Masks, what is given with them, what must be said, and the truths of each way out."""

    masks: Files
    said: str
    ways: list[list[Truth]]
    given: tuple[str, ...] = ()
    also: str = field(default="")


THREE = "dataset.classes=[background,cell,nucleus]"
BINARY = "dataset.mask_values={0: 0, 255: 1}"
LIGHT = [255, 255, 255, *np.random.default_rng(2).integers(0, 256, 90).tolist()]

CASES = {
    "ids of objects": Case({"a.png": png(IDS)}, "(31 of them)", [[IDS > 0]], also="ids of"),
    "ids at both ends": Case({"a.png": png(SPREAD)}, "(37 of them)", [[SPREAD > 0]], also="ids of"),
    "ids, and an area at the end": Case(
        {"a.png": png(IGNORED)}, "(26 of them)", [[IGNORED > 0]], also="ids of"
    ),
    "soft edges below the end": Case(
        {"a.png": png(soft(210).astype(np.uint8))}, "of them", [[soft(210) > 127]], also="soft"
    ),
    "ids in whole floats": Case(
        {"a.tif": tif(IDS.astype(np.float32))}, "(31 of them)", [[IDS > 0]]
    ),
    "ids from 2 on, over a background of 1": Case(
        {"a.png": png(IDS + 1)}, "the values 1, 2", [[IDS > 0]]
    ),
    "ids in a palette that begins with white": Case(
        {"a.png": png(IDS, LIGHT)}, "(31 of them)", [[IDS > 0]], also="ids of"
    ),
    "ids in colours": Case({"a.png": png(rainbow(IDS))}, "the colours #000000", [[IDS > 0]]),
    "three values": Case(
        {"a.png": png(bars(0, 1, 2))},
        "the values 0, 1, 2;",
        [[bars(0, 1, 2)], [bars(0, 1, 2) > 0]],
        also="dataset.classes=[background,class1,class2]",
    ),
    "three values, never all in one file": Case(
        {"a.png": png(bars(0, 2)), "b.png": png(bars(0, 5)), "c.png": png(bars(0, 1))},
        "the values 0, 1, 2, 5;",
        [[bars(0, 2), bars(0, 3), bars(0, 1)], [bars(0, 1) > 0] * 3],
    ),
    "a palette of three": Case(
        {"a.png": png(bars(0, 1, 2), [0, 0, 0, 128, 0, 0, 0, 128, 0])},
        "the values 0, 1, 2;",
        [[bars(0, 1, 2)], [bars(0, 1, 2) > 0]],
    ),
    "two odd values": Case({"a.png": png(bars(0, 128))}, "the values 0, 128", [[bars(0, 1)]]),
    "one odd value": Case({"a.png": png(bars(7))}, "the values 7;", [[bars(1)]]),
    "a value below 0": Case(
        {"a.tif": tif(bars(0, 1, 2).astype(np.int16) - 1)},
        "the values 0, -1, 1",
        [[bars(1, 0, 2)], [bars(0, 0, 1)]],
    ),
    "colours": Case(
        {"a.png": png(painted(RED)), "b.png": png(painted(GREEN, RED))},
        "the colours #000000, #00ff00, #ff0000",
        [[bars(0, 2), bars(0, 1, 2)]],
    ),
    "colours of 16 bits": Case(
        {"a.tif": tif(painted(RED, GREEN).astype(np.uint16) * 257)},
        "the colours #000000, #0000ffff0000, #ffff00000000",
        [[bars(0, 2, 1)]],
    ),
    "a colour of 16 bits that is not in the map": Case(
        {"a.tif": tif(painted(RED, GREEN).astype(np.uint16) * 257)},
        "mask values [#ffff00000000] are not in the map",
        [[bars(0, 2, 1)]],
        ("dataset.mask_values={0x000000: 0, 0x0000ffff0000: 1}",),
    ),
    "a JPEG": Case({"a.jpg": LOSSY}, "with two classes", [[decoded(LOSSY) > 127]]),
    "a JPEG with another name": Case(
        {"a.png": LOSSY}, "with two classes", [[decoded(LOSSY) > 127]]
    ),
    "soft edges of few values": Case(
        {"a.png": png(few())},
        "the values 0, 63",
        [[np.searchsorted([0, 63, 127, 191, 255], few())], [few() > 127]],
    ),
    "soft edges of a colour": Case(
        {"a.png": png((soft()[..., None] * np.array([1, 0.5, 0])).astype(np.uint8))},
        "the colours",
        [[DISC]],
    ),
    "a JPEG of class numbers": Case(
        {"a.jpg": jpeg(bars(0, 60, 120))}, "the values", [], also="PNG or TIFF"
    ),
    "soft edges": Case({"a.png": png(soft().astype(np.uint8))}, "of them", [[DISC]], also="soft"),
    "soft edges of 16 bits": Case(
        {"a.png": png(soft(65535).astype(np.uint16))}, "of them", [[soft(65535) > 32767]]
    ),
    "probabilities": Case(
        {"a.tif": tif(soft(1).astype(np.float32))}, "from 0 to 1", [[soft(1) > 0.5]]
    ),
    "distances": Case(
        {"a.tif": tif(cv2.distanceTransform(DISC.astype(np.uint8), cv2.DIST_L2, 5))},
        "not whole numbers",
        [[DISC]],
    ),
    "a value that is not in the map": Case(
        {"a.png": png(bars(0, 255)), "b.png": png(bars(0, 7, 255)), "c.png": png(bars(0, 9))},
        "mask values [7, 9] are not in the map",
        [[bars(0, 1), bars(0, 2, 1), bars(0, 3)]],
        (BINARY,),
    ),
    "ids where a map is": Case(
        {"a.png": png(IDS)}, "are not in the map", [[IDS > 0]], (BINARY,), "ids of"
    ),
    "soft edges where a map is": Case(
        {"a.png": png(soft().astype(np.uint8))}, "are not in the map", [[DISC]], (BINARY,)
    ),
    "a colour that is not in the map": Case(
        {"a.png": png(painted(RED)), "b.png": png(painted(GREEN, RED))},
        "mask values [#00ff00] are not in the map",
        [[bars(0, 1), bars(0, 2, 1)]],
        ("dataset.mask_values={0x000000: 0, 0xff0000: 1}",),
    ),
    "a palette in a map of colours": Case(
        {"a.png": png(bars(0, 1, 2), [0, 0, 0, 255, 0, 0, 0, 0, 255])},
        "mask values [#0000ff] are not in the map",
        [[bars(0, 1, 2)]],
        ("dataset.mask_values={0x000000: 0, 0xff0000: 1}",),
    ),
    "colours in a map of values": Case(
        {"a.png": png(painted(RED))},
        "the colours #000000, #ff0000",
        [[bars(0, 2)]],
        (BINARY,),
    ),
    "an unused class for a value": Case(
        {"a.png": png(bars(0, 1, 7))},
        "mask values [7]",
        [[bars(0, 1, 2)]],
        (THREE, "dataset.mask_values={0: 0, 1: 1}"),
    ),
    "three classes under other numbers": Case(
        {"a.png": png(bars(0, 7)), "b.png": png(bars(0, 9))},
        "mask values [7, 9]",
        [[bars(0, 1), bars(0, 2)]],
        (THREE,),
    ),
    "four values of three classes": Case(
        {"a.png": png(bars(0, 1, 2, 3))}, "mask values [3]", [[bars(0, 1, 2, 3)]], (THREE,)
    ),
    "ids of objects of three classes": Case(
        {"a.png": png(ids(count=36) * 3)}, "not in the map", [[ids(count=36) > 0]], (THREE,)
    ),
    "white first": Case(
        {"a.png": png(bars(0, 1), [255, 255, 255, 0, 0, 0])},
        "0 for white",
        [[bars(0, 1)], [bars(1, 0)]],
    ),
    "white first, as 255": Case(
        {"a.png": png(bars(0, 255), [255, 255, 255] + [0] * 765)},
        "0 for white",
        [[bars(0, 1)], [bars(1, 0)]],
    ),
}
