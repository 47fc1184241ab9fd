"""Each picture, made from what it is made from."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from docs.pictures.browser import screenshot, tensorboard
from docs.pictures.panels import Cell, row, sheet
from docs.pictures.sources import DSB2018, LackingError, Sources
from segkit.core.run_folder import RunFolder
from segkit.evaluation.report import write_report

_WINDOW = (1200, 1000)  # pixels
# What the report says that it lies in.
_SHOWN = "outputs/dsb2018/unet_mnv2/2026-11-26_07-11-32-957f97e8"
# Losses and scores of TensorBoard, as its address writes them: ^(train|val)/(loss|dice|ap)$
_TAGS = "scalars&_smoothingWeight=0&tagFilter=%5E(train%7Cval)%2F(loss%7Cdice%7Cap)%24"
_OVERLAID = "8cdbdda8b3a6"


def found(given: Sources) -> Image.Image:
    """What segkit finds on four kinds of images, in a row: test images of a middling score."""
    cells = (
        Cell(given.folder("objects"), "3a3fee427e6e", "nuclei, fluorescence"),
        Cell(given.folder("objects"), "c0f172831b80", "nuclei, stained"),
        Cell(given.folder("chest_xray"), "80f19fedb6cc", "lungs, radiograph"),
        Cell(given.folder("lgg_mri"), "TCGA_HT_8563_19981209_10", "tumour, MRI"),
    )
    return Image.fromarray(row(cells))


def panel(run: str, which: str, given: Sources, *, rows: int = 3) -> Image.Image:
    """The ``median`` or the ``worst`` test images of a run."""
    return Image.fromarray(sheet(given.folder(run), which, rows))


def evaluated(run: str, file: str, given: Sources) -> Image.Image:
    """A picture that ``segkit.evaluate`` drew."""
    return Image.open(given.evaluated(run, file))


def growth(given: Sources) -> Image.Image:
    """How cost grows, as ``segkit.benchmark`` drew it."""
    return Image.open(given.folder("growth") / "growth.png")


def overlaid(given: Sources) -> Image.Image:
    """``a_overlay.jpg`` of a test image."""
    run = given.folder("objects")
    with zipfile.ZipFile(given.archive(DSB2018)) as archive:
        (inside,) = [n for n in archive.namelist() if re.search(f"{_OVERLAID}[^/]*.png$", n)]
        image = given.scratch / "image.png"
        image.write_bytes(archive.read(inside))
    output = given.scratch / "found"
    _segkit("predict", f"run={run}", f"input={image}", f"output={output}", "overlay=true")
    return Image.open(output / "image_overlay.jpg")


def augmented(given: Sources) -> Image.Image:
    """Of ``augment.png`` the last three rows, and as many of its columns as can be seen."""
    folder, data = given.scratch / "check", given.archive(DSB2018)
    if not (folder / "augment.png").exists():
        words = ("dataset=dsb2018", "task=instance", "augment_preview=true")
        _segkit("check", *words, f"dataset.root={data}", f"hydra.run.dir={folder}")
    whole = Image.open(folder / "augment.png")
    step = (whole.height - 6) // 5
    return whole.crop((0, 2 * step, 5 * step + 6, whole.height))


def page(of: Callable[[Sources], Path], given: Sources, *, dark: bool) -> Image.Image:
    """The top of a page."""
    return _seen(of(given).as_uri(), given, dark=dark)


def board(given: Sources, *, dark: bool) -> Image.Image:
    """TensorBoard on the runs that it was told of."""
    logs = given.scratch / "logs"
    for name in ("dsb2018", "objects"):
        folder = given.folder(name)
        files = [*folder.glob("events.out.*")]
        if not files:
            raise LackingError(f"{given.command(name)}  (with the logger on)")
        (logs / name).mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, logs / name)
    with tensorboard(logs) as address:
        whole = _seen(f"{address}/?darkMode={str(dark).lower()}#{_TAGS}", given, dark=dark)
        return whole.crop((0, 0, whole.width, 740))  # below are single dots


def report(given: Sources) -> Path:
    """``report.html`` of an evaluated run, as it is written today."""
    given.evaluated("dsb2018", "evaluation.csv")
    folder = given.scratch / _SHOWN
    if not folder.exists():
        shutil.copytree(given.folder("dsb2018"), folder, ignore=shutil.ignore_patterns("*.ckpt"))
        for file in (folder / "config.yaml", folder / "summary.json"):
            file.write_text(portable(file.read_text("utf-8")), "utf-8")
        path = write_report(RunFolder(folder))
        path.write_text(path.read_text("utf-8").replace(f"{given.scratch}/", ""), "utf-8")
    return folder / "report.html"


def portable(text: str) -> str:
    """Without the folders of archives and weights: where they lay on some machine is no news."""
    return re.sub(r"/[\w./-]*/(?=[\w.-]+\.(zip|pth)\b)", "", text)


def comparison(given: Sources) -> Path:
    """``comparison.html`` of the sweep."""
    output = given.scratch / "augment"
    if not output.exists():
        _segkit("compare", f"sweep={given.folder('sweep')}", f"output={output}")
    return output / "comparison.html"


def _seen(address: str, given: Sources, *, dark: bool) -> Image.Image:
    path = given.scratch / "page.png"
    screenshot(address, path, _WINDOW, dark=dark)
    return Image.open(path)


def _segkit(name: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", f"segkit.{name}", *words], check=True)
