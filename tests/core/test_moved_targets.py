"""Names of an earlier layout lead to the same classes and functions today."""

from typing import Any

import pytest
from hydra.utils import get_object

from segkit.core.moved_targets import rename_moved_targets, today

# Every name below segkit that a config.yaml could hold before files went into folders.
BEFORE = (
    "segkit.callbacks.collapse.CollapseWarning",
    "segkit.callbacks.inference.EpochInference",
    "segkit.callbacks.interrupts.Interrupts",
    "segkit.callbacks.panels.Panels",
    "segkit.callbacks.progress.RunProgressBar",
    "segkit.callbacks.pruning.Pruning",
    "segkit.callbacks.record.RunRecord",
    "segkit.data.augment.Augmentation",
    "segkit.data.chest_xray.ChestXray",
    "segkit.data.deepcell.DeepCell",
    "segkit.data.device_cache.BrightnessContrast",
    "segkit.data.device_cache.DeviceAugmentation",
    "segkit.data.device_cache.QuarterTurns",
    "segkit.data.dsb2018.Dsb2018",
    "segkit.data.folder.Folder",
    "segkit.data.lens.LensDistortion",
    "segkit.data.lgg_mri.LggMri",
    "segkit.data.phantom.Phantom",
    "segkit.losses.BinaryCrossEntropy",
    "segkit.losses.CrossEntropy",
    "segkit.losses.CrossEntropyDice",
    "segkit.losses.Dice",
    "segkit.losses.Focal",
    "segkit.losses.Lovasz",
    "segkit.losses.Tversky",
    "segkit.models.attention_unet.AttentionUNet",
    "segkit.models.multires_unet.MultiResUNet",
    "segkit.models.smp.smp_network",
    "segkit.models.swin_unet.SwinUNet",
    "segkit.models.unet3plus.UNet3Plus",
    "segkit.models.unet_classic.UNetClassic",
    "segkit.models.unet_flexible.UNetFlexible",
    "segkit.models.unet_lowered.UNetLowered",
    "segkit.schedules.constant",
    "segkit.schedules.cosine",
    "segkit.schedules.one_cycle",
    "segkit.schedules.plateau",
    "segkit.tensorboard.RunTensorBoard",
)


@pytest.mark.parametrize("name", BEFORE)
def test_it_is_found(name: str) -> None:
    found = get_object(today(name))
    assert found.__name__ == name.rpartition(".")[2]
    assert today(today(name)) == today(name)


def test_other_names_stay() -> None:
    for name in ("torch.optim.AdamW", "my_package.segkit.losses.Dice", "segkit.losses_of_mine.X"):
        assert today(name) == name


def test_every_target_is_renamed_and_nothing_else() -> None:
    config: dict[str, Any] = {
        "loss": {"_target_": "segkit.losses.Dice", "note": "segkit.losses.Dice"},
        "augment": {"transforms": [{"_target_": "segkit.data.lens.LensDistortion"}]},
        "model": {"_target_": 3},
    }
    rename_moved_targets(config)
    assert config == {
        "loss": {"_target_": "segkit.tasks.losses.Dice", "note": "segkit.losses.Dice"},
        "augment": {"transforms": [{"_target_": "segkit.data.distortion.LensDistortion"}]},
        "model": {"_target_": 3},
    }


def test_a_knot_of_aliases_ends() -> None:
    config: dict[str, Any] = {"_target_": "segkit.losses.Dice"}
    config["itself"] = [config, config]
    rename_moved_targets(config)
    assert config["_target_"] == "segkit.tasks.losses.Dice"
