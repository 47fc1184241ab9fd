"""Parts of one scene: what is told of them, and an audit that finds them, from start to end."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segkit.audit import scenes
from segkit.audit.audit import Audit, audit
from segkit.audit.findings import Finding, Use
from segkit.audit.page import report
from segkit.audit.pictures import scene_pictures, worst_scenes
from segkit.audit.placement import Placement
from segkit.audit.scenes import not_compared, of_scenes
from segkit.audit.tables import show
from segkit.data.readers.folder import Folder
from segkit.data.splits import SplitSpec
from segkit.drawing.overlay import encode_png
from tests.audit.test_adjoining import SIDE, field, quarters, strangers
from tests.audit.test_findings import fact

BESIDE = Placement(0, 1, 0, 64, adjoins=True, correlation=0.9)
BELOW = Placement(0, 1, 64, 0, adjoins=True, correlation=0.9)
OVER = Placement(0, 1, -10, 24, adjoins=False, correlation=0.99)


def told(placed: Placement, one: str, other: str, *, group: str = "") -> list[Finding]:
    facts = [fact("a", group), fact("b", group)]
    return list(of_scenes(facts, [placed], {"a": one, "b": other}, mended=True))


@pytest.mark.parametrize(
    ("placed", "kind", "what"),
    [
        (BESIDE, "adjoining images", "the second continues the first on the right, borders alike"),
        (BELOW, "adjoining images", "the second continues the first below, borders alike"),
        (OVER, "overlapping images", "40×54 pixels in common, alike by 0.990"),
    ],
)
def test_parts_of_a_scene_are_worse_in_two_splits(placed: Placement, kind: str, what: str) -> None:
    (leak,) = told(placed, "train", "test")
    assert (leak.severity, leak.kind) == ("warning", f"{kind} in two splits")
    assert leak.what.startswith(what)
    assert leak.where == "a.png (train) and b.png (test)"
    assert "split.csv" in leak.remedy
    for other in ("train", "unlabelled"):
        (note,) = told(placed, "train", other)
        assert (note.severity, note.kind) == ("note", kind)
        assert "group" in note.remedy
        assert "split.csv" not in note.remedy


def test_parts_of_a_scene_in_one_group_are_expected_unless_they_leak() -> None:
    assert told(BESIDE, "train", "train", group="field") == []
    assert len(told(BESIDE, "train", "val", group="field")) == 1


def test_too_many_images_of_one_size_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "MOST_IMAGES", 2)
    facts = [fact(name) for name in "abc"]
    (note,) = not_compared(facts)
    assert note.severity == "note"
    assert note.what.startswith("3 images of 4×4, more than 2")
    assert list(not_compared(facts[:2])) == []


def write(root: Path, name: str, image: NDArray[np.uint8]) -> None:
    for folder, pixels in (("images", image), ("masks", (image > 120).astype(np.uint8) * 255)):
        path = root / folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(pixels))


def audited(root: Path) -> tuple[Folder, Audit]:
    reader = Folder(root, classes=("background", "cell"))
    use = Use(reader.classes, (64, 64), None, skip=False)
    return reader, audit(reader, use, SplitSpec(val=0.3, test=0.3))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Audit]:
    """A field in four tiles, a crop that reaches over two of them, one exact copy, strangers."""
    root = tmp_path_factory.mktemp("leaky")
    whole = field(1)
    for number, tile in enumerate(quarters(whole)):
        write(root, f"tile{number}", tile)
    write(root, "copy", quarters(whole)[0])
    write(root, "crop", whole[10 : 10 + SIDE, 40 : 40 + SIDE])
    for number, image in enumerate(strangers(8)):
        write(root, f"z{number}", image)
    return audited(root)


def test_an_audit_finds_the_parts_of_a_scene(leaky: tuple[Folder, Audit]) -> None:
    _, found = leaky
    ids = [record.id for record in found.records]
    adjoining = {(ids[p.first], ids[p.second]) for p in found.placements if p.adjoins}
    overlapping = {(ids[p.first], ids[p.second]) for p in found.placements if not p.adjoins}
    # Of exact copies one speaks for both.
    one = "copy" if any("copy" in pair for pair in adjoining) else "tile0"
    assert adjoining == {(one, "tile1"), (one, "tile2"), ("tile1", "tile3"), ("tile2", "tile3")}
    # Of the 40 pixels that it shares with the second tile, marks tell nothing.
    assert overlapping == {tuple(sorted(("crop", one)))}
    kinds = {finding.kind for finding in found.findings}
    assert "adjoining images in two splits" in kinds
    assert found.verdict.startswith(("Fit", "Do not"))


def test_the_clean_split_has_the_scene_on_one_side(leaky: tuple[Folder, Audit]) -> None:
    _, found = leaky
    assert found.clean is not None
    assert len({found.clean[f"tile{number}"] for number in range(4)} | {found.clean["copy"]}) == 1
    assert found.clean["crop"] == found.clean["tile0"]
    assert {*found.clean.values()} == {"train", "val", "test"}


def test_the_command_to_train_takes_the_clean_split(
    leaky: tuple[Folder, Audit], capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = leaky
    show(found, "data", "out", "train dataset=folder", apart="train task=instance")
    said = " ".join(capsys.readouterr().out.split())
    assert "train on it: train dataset=folder dataset.split.file=out/split.csv" in said
    assert "touch another" not in said  # its masks are of classes


def test_objects_that_touch_are_counted_with_the_command_that_tells_them_apart(
    leaky: tuple[Folder, Audit], capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = leaky
    counts = [(9, 0), (7, 4), (5, 2)]
    pairs = zip(found.facts, counts, strict=False)
    facts = [replace(fact, objects=n, touching=some) for fact, (n, some) in pairs]
    touching = replace(found, facts=facts)
    show(touching, "data", "out", "train a=b", apart="train a=b task=instance")
    said = " ".join(capsys.readouterr().out.split())
    told = "6 of the 21 objects touch another; to tell them apart: train a=b task=instance"
    assert f"{told} dataset.split.file=out/split.csv" in said
    show(touching, "data", "out")
    assert "touch another" not in capsys.readouterr().out


def test_the_report_shows_the_parts_put_together(leaky: tuple[Folder, Audit]) -> None:
    reader, found = leaky
    page = report(found, reader, "title", "subtitle")
    section = page[page.index("Parts of one scene") :]
    assert len(re.findall("<figure>", section[: section.index("</section>")])) == 5
    assert "continues the first" in section
    assert "pixels in common" in page
    worst = worst_scenes(found, 99)
    leaks = [
        found.splits[found.records[p.first].id] != found.splits[found.records[p.second].id]
        for p in worst
    ]
    assert leaks == sorted(leaks, reverse=True)
    assert len(worst) == len(found.placements)


def test_a_pair_is_drawn_as_it_lies(leaky: tuple[Folder, Audit]) -> None:
    reader, found = leaky
    beside = next(p for p in found.placements if p.adjoins and p.column)
    over = next(p for p in found.placements if not p.adjoins)
    pictures = [drawn(reader, found, placed) for placed in (beside, over)]
    assert pictures[0].shape == (256, 512, 3)
    framed = [bool(((p[..., 0] > 200) & (p[..., 2] < 90)).any()) for p in pictures]
    assert framed == [False, True]


def drawn(reader: Folder, found: Audit, placed: Placement) -> NDArray[np.uint8]:
    (shown,) = scene_pictures(reader, found, [placed])
    return np.asarray(Image.open(io.BytesIO(shown.data)).convert("RGB"))
