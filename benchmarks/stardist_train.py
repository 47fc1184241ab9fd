"""StarDist by its own package, on the images that ``benchmarks.objects write`` laid out.

In an environment of its own: ``pip install stardist tensorflow``. Then

    python benchmarks/stardist_train.py FOLDER MINUTES

trains its default 2D network (32 rays, grid of 2) with the augmentation of its examples for so
many minutes of CPU time, fits its thresholds to the validation images, and writes the labels that
it finds in the test images to ``FOLDER/stardist``.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tifffile
from csbdeep.utils import normalize
from stardist import fill_label_holes
from stardist.models import Config2D, StarDist2D

PATCH = 256
# The last part of the time is trained at a tenth of the learning rate; a plateau is found late.
LOW_FROM = 0.6


def images(folder: Path) -> list[Any]:
    """Of a folder, by name, scaled as StarDist's examples do."""
    return [
        normalize(tifffile.imread(path), 1, 99.8, axis=(0, 1))
        for path in sorted(folder.glob("*.tif"))
    ]


def labels(folder: Path) -> list[Any]:
    """Of a folder, by name."""
    return [fill_label_holes(tifffile.imread(path)) for path in sorted(folder.glob("*.tif"))]


def augmented(image: Any, label: Any) -> tuple[Any, Any]:
    """Turned, mirrored, brighter or darker, with noise."""
    turns = np.random.randint(4)
    image, label = np.rot90(image, turns), np.rot90(label, turns)
    if np.random.rand() < 0.5:
        image, label = image[::-1], label[::-1]
    image = image * np.random.uniform(0.6, 2) + np.random.uniform(-0.2, 0.2)
    return image + 0.02 * np.random.uniform(0, 1) * np.random.normal(0, 1, image.shape), label


class Minutes(tf.keras.callbacks.Callback):  # type: ignore[misc]  # it ships no types
    """Lowers the learning rate once, and stops, by CPU time."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self.minutes, self.start, self.low = minutes, time.process_time(), False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        spent = (time.process_time() - self.start) / 60
        print(f"epoch {epoch}  {spent:.1f} minutes  {logs}", flush=True)
        if spent > LOW_FROM * self.minutes and not self.low:
            self.model.optimizer.learning_rate.assign(3e-5)
            self.low = True
        self.model.stop_training = spent > self.minutes


def main(folder: Path, minutes: float) -> None:
    """Train, fit, predict."""
    train, truth = images(folder / "train" / "images"), labels(folder / "train" / "labels")
    val, val_truth = images(folder / "val" / "images"), labels(folder / "val" / "labels")
    config = Config2D(
        n_rays=32,
        grid=(2, 2),
        train_epochs=10_000,
        train_steps_per_epoch=50,
        train_patch_size=(PATCH, PATCH),
        train_tensorboard=False,
    )
    model = StarDist2D(config, name="model", basedir=str(folder / "stardist_model"))
    model.prepare_for_training()
    model.callbacks.append(Minutes(minutes))
    # It cuts patches, which smaller images do not have.
    fit = [i for i, image in enumerate(train) if min(image.shape) >= PATCH]
    watched = [i for i, image in enumerate(val) if min(image.shape) >= PATCH][:20]
    model.train(
        [train[i] for i in fit],
        [truth[i] for i in fit],
        validation_data=([val[i] for i in watched], [val_truth[i] for i in watched]),
        augmenter=augmented,
    )
    model.optimize_thresholds(val, val_truth)
    target = folder / "stardist"
    target.mkdir(exist_ok=True)
    test = sorted((folder / "test" / "images").glob("*.tif"))
    start = time.perf_counter()
    for path in test:
        image = normalize(tifffile.imread(path), 1, 99.8, axis=(0, 1))
        tifffile.imwrite(target / path.name, model.predict_instances(image)[0].astype(np.uint16))
    seconds = time.perf_counter() - start
    print(f"{len(test)} images in {seconds:.1f} s, {len(test) / seconds:.2f} images/s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
