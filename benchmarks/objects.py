"""Objects of one split found in several ways, scored alike: segkit's, StarDist's, a watershed's.

    python -m benchmarks.objects fluorescence ARCHIVE FOLDER   # DSB2018's images of that type
    python -m benchmarks.objects write RUN FOLDER        # images and labels of each split, as TIFF
    python benchmarks/stardist_train.py FOLDER MINUTES   # in an environment of its own
    python -m benchmarks.objects find RUN FOLDER
    python -m benchmarks.objects watershed SEMANTIC_RUN FOLDER
    python -m benchmarks.objects score RUN FOLDER

``score`` prints a row for each folder of labels beside ``train``, ``val`` and ``test``.
"""

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.morphology import remove_small_objects
from skimage.segmentation import watershed

from segkit.data.readers.dsb2018 import Dsb2018, imaging_type
from segkit.runs.build import build_reader
from segkit.runs.load import load_run
from segkit.runs.saved import open_run
from segkit.statistics.intervals import sum_intervals
from segkit.tasks.instance.matching import count, match
from segkit.tasks.instance.metrics import pooled, scores
from segkit.tasks.tally import sum_by_group

Labels = NDArray[Any]
# Half of the smallest distance between two seeds, in pixels, from which validation chooses.
REACHES = (3, 5, 7, 10, 14)
SMALLEST = 20
SHOWN = ("ap50", "ap", "ap50_image", "ap_image", "pq", "aji", "count_error", "merged_share")


def rows(run: Path, split: str) -> list[dict[str, str]]:
    """Of the run's ``split.csv``."""
    with (run / "split.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["split"] == split]


def fluorescence(archive: Path, folder: Path) -> None:
    """The files of DSB2018's fluorescence images."""
    reader = Dsb2018(archive)
    for record in reader.listing().records:
        image = reader.read_image(record)
        for name in reader.files(record) if imaging_type(image) == "fluorescence" else ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(reader.source.read(name))


def write(run: Path, folder: Path) -> None:
    """Grey images and labels of all splits, at their own sizes."""
    reader = build_reader(open_run(run).config)
    records = {record.id: record for record in reader.listing().records}
    for split in ("train", "val", "test"):
        for kind in ("images", "labels"):
            (folder / split / kind).mkdir(parents=True, exist_ok=True)
        for row in rows(run, split):
            sample = reader.read(records[row["id"]])
            assert sample.instances is not None
            grey = sample.image if sample.image.ndim == 2 else sample.image.mean(axis=2)
            name = f"{row['id']}.tif"
            tifffile.imwrite(folder / split / "images" / name, np.rint(grey).astype(np.uint8))
            labels = sample.instances.astype(np.uint16)
            tifffile.imwrite(folder / split / "labels" / name, labels)


def find(run: Path, folder: Path) -> None:
    """The labels of a run of objects; says how many images a second it finds them in."""
    predictor = load_run(run)
    (folder / "segkit").mkdir(exist_ok=True)
    paths = sorted((folder / "test" / "images").glob("*.tif"))
    predictor(tifffile.imread(paths[0]))  # the first call prepares
    start = time.perf_counter()
    for path in paths:
        labels = predictor(tifffile.imread(path)).mask.astype(np.uint16)
        tifffile.imwrite(folder / "segkit" / path.name, labels)
    print(f"{len(paths) / (time.perf_counter() - start):.2f} images/s")


def parted(mask: Labels, reach: int) -> Labels:
    """Foreground cut where its distance transform is low, as scikit-image's example does."""
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    seeds = np.zeros(mask.shape, np.int32)
    parts = ndimage.label(mask)[0]
    places = peak_local_max(distance, min_distance=reach, labels=parts, exclude_border=False)
    seeds[tuple(places.T)] = np.arange(1, len(places) + 1)
    labels = watershed(-distance, seeds, mask=mask)
    return np.asarray(remove_small_objects(labels, SMALLEST))


def watersheds(run: Path, folder: Path) -> None:
    """The masks of a semantic run, parted; its distance of seeds is chosen on validation."""
    predictor = load_run(run)

    def masks(split: str) -> Iterator[tuple[str, Labels]]:
        for path in sorted((folder / split / "images").glob("*.tif")):
            yield path.name, np.asarray(predictor(tifffile.imread(path)).mask > 0)

    truth = {path.name: tifffile.imread(path) for path in (folder / "val/labels").glob("*.tif")}
    found = dict(masks("val"))

    def ap(reach: int) -> float:
        counted = [count(match(truth[name], parted(mask, reach))) for name, mask in found.items()]
        return float(pooled(np.sum(counted, axis=0))["ap"])

    best = max(REACHES, key=ap)
    print(f"min_distance={best}")
    (folder / "watershed").mkdir(exist_ok=True)
    for name, mask in masks("test"):
        tifffile.imwrite(folder / "watershed" / name, parted(mask, best).astype(np.uint16))


def score(run: Path, folder: Path) -> None:
    """A row a method, with 95 % intervals over groups of what is pooled."""
    test = rows(run, "test")
    groups = [row["group"] for row in test]
    names = [f"{row['id']}.tif" for row in test]
    truth = [tifffile.imread(folder / "test" / "labels" / name) for name in names]
    ways = sorted(p for p in folder.iterdir() if (p / names[0]).is_file())
    print("method", *SHOWN, sep="\t")
    for way in ways:
        found = [tifffile.imread(way / name) for name in names]
        counts = np.array([count(match(*pair)) for pair in zip(truth, found, strict=True)])
        print(way.name, *_cells(counts, groups), sep="\t")


def _cells(counts: NDArray[np.int64], groups: Sequence[str]) -> Iterator[str]:
    values = scores(counts, groups)
    _, counts_GC = sum_by_group(counts, groups)
    bounds = sum_intervals(counts_GC, pooled, seed=0)
    for name in SHOWN:
        low, high = bounds.get(name, (np.nan, np.nan))
        yield f"{values[name]:.3f}" + (f" [{low:.3f}, {high:.3f}]" if np.isfinite(low) else "")


def main() -> None:
    """See the module's text."""
    ways = {
        "fluorescence": fluorescence,
        "find": find,
        "write": write,
        "watershed": watersheds,
        "score": score,
    }
    way, run, folder = sys.argv[1:]
    ways[way](Path(run), Path(folder))


if __name__ == "__main__":
    main()
