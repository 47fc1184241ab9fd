"""The user's own data: what is found, groups, settings."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.folder import Folder
from tests.data.readers.folder_files import IMAGE, TWO, save, tree

CONF = Path(__file__).parents[3] / "conf"


def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    pairs: dict[str, str | None] = {f"images/{name}.png": f"masks/{name}.png" for name in "bac"}
    contract(tree(tmp_path / "set", pairs), partial(Folder, classes=TWO))


def test_nothing_to_read_shows_the_layout(tmp_path: Path) -> None:
    with pytest.raises(SegkitError, match="is not there"):
        Folder(tmp_path / "typo", classes=TWO).listing()
    save(tmp_path / "scan.png", IMAGE)
    with pytest.raises(SegkitError, match="no record of Folder") as caught:
        Folder(tmp_path, classes=TWO).listing()
    assert "images/a.png with masks/a.png" in caught.value.remedy


def test_its_images_alone_are_told_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "own" / "images").mkdir(parents=True)
    (tmp_path / "own" / "images" / "a.png").write_bytes(b"")
    with pytest.raises(SegkitError) as caught:
        Folder(tmp_path / "own" / "images", classes=["a", "b"]).listing()
    assert f"dataset.root={tmp_path / 'own'};" in caught.value.remedy


def test_groups_come_from_the_id(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {f"images/{name}.png": f"masks/{name}.png" for name in ("p1_a", "p1_b", "p22_a")},
    )
    reader = Folder(root, classes=TWO, group_pattern=r"^(p\d+)_")
    assert [record.group for record in reader.listing().records] == ["p1", "p1", "p22"]
    reader = Folder(root, classes=TWO, group_pattern=r"^(p1)_")
    with pytest.raises(SegkitError, match="'p22_a' does not fit"):
        reader.listing()


@pytest.mark.parametrize("pattern", ["^p1_", "^(p)(1)_", "^(p1_"])
def test_a_pattern_must_have_one_group(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SegkitError, match="with one group") as caught:
        Folder(tmp_path, classes=TWO, group_pattern=pattern)
    assert caught.value.where == f"dataset.group_pattern={pattern}"


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"classes": ["background"]}, "dataset.classes"),
        ({"mask_values": {0: 0, 255: 2}}, "dataset.mask_values"),
        ({"mask_values": {0: 0, 255: -1}}, "dataset.mask_values"),
        ({"mask_values": {0: 0}, "mask_threshold": 9}, "dataset.mask_threshold"),
        ({"classes": ["a", "b", "c"], "mask_threshold": 9}, "dataset.mask_threshold"),
    ],
)
def test_settings_that_contradict_each_other(
    tmp_path: Path, settings: dict[str, Any], where: str
) -> None:
    with pytest.raises(SegkitError) as caught:
        Folder(tmp_path, **{"classes": TWO, **settings})
    assert where in caught.value.where


def test_settings_that_change_pixels_are_parameters(tmp_path: Path) -> None:
    plain = Folder(tmp_path, classes=TWO, group_pattern="(a)").parameters()
    assert plain == Folder(tmp_path, classes=TWO).parameters()
    assert plain != Folder(tmp_path, classes=TWO, mask_threshold=127).parameters()
    maps: list[dict[int | str, int]] = [{0: 0, 255: 1}, {255: 1, 0: 0}, {0: 1, 255: 0}]
    mapped = [Folder(tmp_path, classes=TWO, mask_values=values).parameters() for values in maps]
    assert mapped[0] == mapped[1] != mapped[2]


def test_the_configuration_builds_the_reader(tmp_path: Path) -> None:
    overrides = [
        "+dataset=folder",
        f"dataset.root={tmp_path}",
        "dataset.classes=[ground,cell]",
        "dataset.mask_values={0: 0, 0xff0000: 1}",
        r"dataset.group_pattern='^(p\d+)_'",
        "+seed=0",
    ]
    with initialize_config_dir(str(CONF), version_base=None):
        config = compose(overrides=overrides)
        assert OmegaConf.is_missing(compose(overrides=["+dataset=folder"]).dataset, "root")
    reader = instantiate(OmegaConf.to_container(config.dataset, resolve=True))["reader"]
    assert isinstance(reader, Folder)
    assert reader.classes == ("ground", "cell")
    assert reader.mask_values == {0: 0, "0xff0000": 1}
    assert reader.group_pattern is not None
    assert reader.mask_threshold is None
