"""Run folders as training leaves them, made without one, and reports as a browser reads them."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segkit.core.run_folder import RunFolder
from segkit.data.split_file import split_hash
from segkit.evaluation.report import write_report

HOSTILE = "<script>document.title='taken over'</script>"
SCORES: dict[str, Any] = {
    "dice": 0.91234,
    "dice_pooled": 0.9,
    "iou": 0.8,
    "accuracy": 0.97,
    "accuracy_all_background": 0.8601,
    "n": 3,
    "n_empty": 0,
    "empty_false_positive_rate": None,
}
CONFIG: dict[str, Any] = {
    "dataset": {"name": "dsb2018", "size": 128},
    "optim": {"lr": 0.001},
    "seed": 7,
    "choices": {"dataset": "dsb2018", "model": "unet_mnv2"},
}


class Page(HTMLParser):
    """A page as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.words = text, list[tuple[str, dict[str, str | None]]](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.words += "" if tag in ("b", "small") else "\n"

    def handle_endtag(self, tag: str) -> None:
        self.words += "|" if tag in ("td", "th", "b") else ""

    def handle_data(self, data: str) -> None:
        self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def epochs(self) -> list[int]:
        return [int(str(one["data-number"])) for one in self.named("img") if "data-number" in one]


def picture(path: Path, *, side: int = 24, seed: int = 0) -> None:
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def summary(**changed: Any) -> dict[str, Any]:
    return {
        "best_epoch": 1,
        "monitor": "val/dice",
        "best_score": 0.9,
        "test": {"loss": 0.2, "nucleus": SCORES, "all": SCORES},
        "wall_seconds": 150.0,
        "epochs": 3,
        "precision": "bf16-mixed",
        "parameters": 6628945,
        "data": {"name": "dsb2018", "score_by": "image"},
        "python": "3.11.7",
        "versions": {"torch": "2.15.0", "segkit": None},
        "commit": "30107fc99dab",
        "hardware": {"processor": "EPYC", "cores": 2, "gpus": ["H100", "H100"], "system": "Linux"},
    } | changed


def a_run(
    path: Path, *, epochs: int = 3, side: int = 24, config: Any = CONFIG, **changed: Any
) -> RunFolder:
    """A run folder as training leaves it, with panels of noise."""
    folder = RunFolder(path)
    path.mkdir(exist_ok=True)
    folder.write_config(config)
    table(
        folder.split,
        [
            {"id": f"{split}{n}", "group": f"{split}{n // 2}", "split": split, "stratum": "größe"}
            for split, count in (("train", 6), ("val", 2), ("test", 2))
            for n in range(count)
        ],
    )
    digest = split_hash(folder.split.read_text("utf-8"))
    folder.write_summary({"split_hash": digest, **summary(epochs=epochs, **changed)})
    table(path / "metrics.csv", [{"epoch": n, "val/dice": 0.5 + n / 1000} for n in range(epochs)])
    for n in range(epochs):
        picture(path / "panels" / f"epoch_{n:03d}.png", side=side, seed=n)
    picture(path / "curves.png")
    folder.log.write_text("2026-11-21 03:10:56,198 INFO data: dsb2018\n", encoding="utf-8")
    return folder


def read(folder: RunFolder) -> Page:
    return Page(write_report(folder).read_text("utf-8"))


def evaluate(path: Path, rows: list[dict[str, Any]], images: list[dict[str, Any]]) -> None:
    table(path / "evaluation.csv", rows)
    table(path / "evaluation_per_image.csv", images)
    for name in ("best", "median", "worst", "scores", "reliability"):
        picture(path / "evaluation" / f"{name}.png")


def folder_hash(folder: RunFolder) -> str:
    return split_hash(folder.split.read_text("utf-8"))
