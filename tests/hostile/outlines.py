"""LabelMe JSON: damaged, odd, and with shapes that no image holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile.cases import Case, spoilt
from tests.hostile.samples import noise, pillow

_LABELS: tuple[Any, ...] = (None, 7, [], {}, "7", "x" * 9000)
_SQUARE = [[2, 3], [12, 3], [12, 9], [2, 9]]


def outlines(seed: int = 0, count: int = 60) -> Iterator[Case]:
    """Damaged JSON files, ``count`` in all, and then the odd ones, each beside its image."""
    good = _content([_shape(_SQUARE), _shape([[9, 9], [9, 12]], "circle")])
    for what, damaged in spoilt("LabelMe", json.dumps(good).encode(), count, seed + 77):
        yield _case(what, damaged)
    for name, content in _odd().items():
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        yield _case(name, data)


def _shape(points: Any, kind: Any = "polygon", **more: Any) -> dict[str, Any]:
    return {"label": "cell", "points": points, "shape_type": kind, "group_id": None} | more


def _content(shapes: Any, **more: Any) -> dict[str, Any]:
    size = {"imageHeight": 20, "imageWidth": 24}
    return {"shapes": shapes, "imagePath": "a.png", "imageData": None} | size | more


def _case(name: str, data: bytes) -> Case:
    def write(folder: Path) -> Path:
        root = folder / "data"
        root.mkdir()
        for stem in "ab":
            (root / f"{stem}.png").write_bytes(pillow(noise(20, 24), "PNG"))
        (root / "a.json").write_bytes(data)
        (root / "b.json").write_text(json.dumps(_content([_shape(_SQUARE)], imagePath="b.png")))
        return root

    return Case(name, "folder", write)


def _odd() -> dict[str, Any]:
    points: tuple[Any, ...] = (
        [],
        [[]],
        [[1]],
        [[1, 2, 3]] * 3,
        [[1, 2], [3]],
        [["1", "2"]] * 3,
        [[None, None]] * 3,
        [[1e308, -1e308]] * 3,
        [[2**60, 0], [0, 2**60], [1, 1]],
        [[10**400, 1]] * 3,
        [[float("nan"), 1]] * 3,
        {"x": 1},
        "points",
        7,
        [[-5, -5], [99, -5], [99, 99], [-5, 99]],
        [[n % 24, n % 20] for n in range(20_000)],
    )
    found: dict[str, Any] = {}
    for drawn in ("polygon", "rectangle", "circle"):
        found |= {f"{drawn} {n}": _content([_shape(one, drawn)]) for n, one in enumerate(points)}
        found[f"{drawn} of a point"] = _content([_shape([[5, 5], [5, 5]], drawn)])
        found[f"{drawn}, huge"] = _content([_shape([[5, 5], [2e9, 5]], drawn)])
    kinds: tuple[Any, ...] = (None, "", "mask", "line", "linestrip", "points", 7, [], {"a": 1})
    for kind in kinds:
        found[f"kind {kind}"] = _content([_shape(_SQUARE, kind)])
    paths: tuple[Any, ...] = (None, 7, "", ".", "..", "/", "../../etc/passwd", "a\0b", [], "a.json")
    for path in paths:
        found[f"image {str(path)[:20]}"] = _content([], imagePath=path)
    return found | {
        "labels": _content([_shape(_SQUARE, label=one) for one in _LABELS]),
        "groups": _content([_shape(_SQUARE, group_id=one) for one in _LABELS]),
        "sizes": _content([], imageHeight=-1, imageWidth=2**70),
        "no list": _content({"a": 1}),
        "no objects": _content([1, 2]),
        "deep": b"[" * 200_000,
        "an image in it": _content([_shape(_SQUARE)], imageData="A" * 3_000_000),
        "number": b'{"shapes": [], "imagePath": ' + b"9" * 10_000 + b"}",
        "UTF-16": json.dumps(_content([_shape(_SQUARE)])).encode("utf-16"),
        "with a mark": b"\xef\xbb\xbf" + json.dumps(_content([_shape(_SQUARE)])).encode(),
    }
