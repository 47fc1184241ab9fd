"""The augmentations under ``conf/augment``, built by name."""

from pathlib import Path
from typing import Any

import albumentations
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from segkit.data.augment import Augmentation, Augmenter
from segkit.data.device_dataset import BrightnessContrast, DeviceAugmentation

CONF = Path(__file__).parents[2] / "conf" / "augment"


def build(group: str, *, geometry_only: bool = False) -> Augmenter:
    config: Any = OmegaConf.load(CONF / f"{group}.yaml")
    if geometry_only:
        config.transforms = [node for node in config.transforms if not moves_no_pixel(node)]
    built = instantiate(config)
    assert isinstance(built, Augmentation | DeviceAugmentation)
    return built


def moves_no_pixel(node: Any) -> bool:
    if "transforms" in node:
        return all(moves_no_pixel(each) for each in node.transforms)
    kind = get_class(node["_target_"])
    return issubclass(kind, albumentations.ImageOnlyTransform) or kind is BrightnessContrast
