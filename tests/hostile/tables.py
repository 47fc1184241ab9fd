"""Tables of records: without a column, cut short, in another encoding, or with odd cells."""

from collections.abc import Iterator
from pathlib import Path

from tests.hostile.cases import Case, spoilt
from tests.hostile.samples import noise, pillow

GOOD = "image,mask,id,group\nimages/a.png,masks/a.png,one,p\nimages/b.png,masks/b.png,two,p\n"


def tables(seed: int = 0, count: int = 60) -> Iterator[Case]:
    """Damaged tables, ``count`` in all, and then the odd ones."""
    for what, damaged in spoilt("table", GOOD.encode(), count, seed):
        yield table(what, damaged)
    for name, data in odd().items():
        yield table(name, data)


def table(name: str, data: bytes) -> Case:
    """A table beside the two pairs that the good one names."""

    def write(folder: Path) -> Path:
        for kind in ("images", "masks"):
            (folder / kind).mkdir()
            for stem in "ab":
                pixels = noise(8, 8) if kind == "images" else noise(8, 8) // 128 * 255
                (folder / kind / f"{stem}.png").write_bytes(pillow(pixels, "PNG"))
        (folder / "table.csv").write_bytes(data)
        return folder / "table.csv"

    return Case(name, "table", write)


def odd() -> dict[str, bytes]:
    """Tables that a person or another program may well have written, and some that none would."""
    cells = (
        "",
        ".",
        "./",
        "/",
        "..",
        "../a.png",
        "images/../../a.png",
        "/etc/passwd",
        "C:\\a.png",
        "images",
        "images/",
        "images/a.png/",
        "images//a.png",
        "table.csv",
        "a\0b.png",
        "images/a.png\n",
        "~",
        "~nobody/a.png",
        "images/ü.png",
        "x" * 5000,
        ";",
        "images/.",
    )
    found = {
        f"image {n}": f'image,mask,id\n"{cell}",masks/a.png,x\n'.encode()
        for n, cell in enumerate(cells)
    }
    found |= {
        f"mask {n}": f'image,mask,id\nimages/a.png,"{cell}",x\n'.encode()
        for n, cell in enumerate(cells)
    }
    found |= {
        f"id {n}": f'image,mask,id\nimages/a.png,masks/a.png,"{cell}"\n'.encode()
        for n, cell in enumerate(cells)
    }
    return found | {
        "empty": b"",
        "blank lines": b"\n\n\n",
        "header alone": b"image,mask\n",
        "no mask column": b"image\nimages/a.png\n",
        "no image column": b"mask\nmasks/a.png\n",
        "column twice": b"image,mask,IMAGE\nimages/a.png,masks/a.png,x\n",
        "semicolons": GOOD.replace(",", ";").encode(),
        "tabs": GOOD.replace(",", "\t").encode(),
        "with a mark": "\ufeff".encode() + GOOD.encode(),
        "utf-16": GOOD.encode("utf-16"),
        "latin": GOOD.replace("one", "ü").encode("latin-1"),
        "old mac": GOOD.replace("\n", "\r").encode(),
        "windows": GOOD.replace("\n", "\r\n").encode(),
        "open quote": b'image,mask\n"images/a.png,masks/a.png\n',
        "quote within": b'image,mask\n"images/a"b.png",masks/a.png\n',
        "too many cells": b"image,mask\nimages/a.png,masks/a.png,x,y\n",
        "too few cells": b"image,mask\nimages/a.png\n",
        "a long cell": b"image,mask\n" + b"x" * 200_000 + b",masks/a.png\n",
        "many columns": b"image,mask," + b",".join(b"c%d" % n for n in range(20_000)) + b"\n",
        "many rows": b"image,mask\n" + b"".join(b"images/%d.png,\n" % n for n in range(20_000)),
        "binary": bytes(range(256)) * 20,
        "zeros": bytes(3000),
        "picture": pillow(noise(20, 24), "PNG"),
        "same twice": GOOD.encode() + b"images/a.png,masks/a.png,one,p\n",
        "split": b"image,mask,split\nimages/a.png,masks/a.png,tset\n",
    }
