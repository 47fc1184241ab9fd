"""LGG-MRI in its published layout, as a folder and as the archive that holds the tree twice."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from segkit.core.contracts import Listing, check_sample
from segkit.core.errors import SegkitError
from segkit.data.readers.base import Reader
from segkit.data.readers.lgg_mri import LggMri
from tests.data.readers.lgg_mri_files import CS, HT, as_published, phantom

CONF = Path(__file__).parents[3] / "conf"


def ids(found: Listing) -> list[str]:
    return [record.id for record in found.records]


def test_contract(
    contract: Callable[[Path, Callable[[Path], Reader]], None], tmp_path: Path
) -> None:
    contract(phantom(tmp_path / "set"), LggMri)


def test_slices_lie_by_patient_in_numeric_order(tmp_path: Path) -> None:
    found = LggMri(phantom(tmp_path / "lgg")).listing()
    assert found.problems == []
    assert ids(found) == [
        *(f"{CS}_{number}" for number in range(1, 12)),
        *(f"{HT}_{number}" for number in (1, 2)),
    ]
    assert {record.group for record in found.records} == {CS, HT}
    assert all(record.id.startswith(record.group) for record in found.records)


def test_the_archive_with_two_trees_counts_each_slice_once(tmp_path: Path) -> None:
    folder = LggMri(phantom(tmp_path / "once")).listing()
    archive = LggMri(as_published(tmp_path / "twice")).listing()
    assert archive == folder
    assert all(record.image.startswith("kaggle_3m/") for record in archive.records)


@pytest.mark.parametrize("prefix", ["", "a/b/"])
def test_any_prefix(tmp_path: Path, prefix: str) -> None:
    phantom(tmp_path / "data" / prefix)
    assert len(LggMri(tmp_path / "data").listing().records) == 13
    one = LggMri(tmp_path / "data" / prefix / "kaggle_3m" / CS).listing()
    assert ids(one) == [f"{CS}_{number}" for number in range(1, 12)]


def test_facts_are_joined_by_patient(tmp_path: Path) -> None:
    records = LggMri(phantom(tmp_path)).listing().records
    assert dict(records[4].facts) == {"slice": "5", "gender": "2", "age": "53"}
    assert dict(records[-1].facts) == {"slice": "2"}, "a patient who is not in data.csv"
    assert [records[0].stratum, records[-1].stratum] == ["CS", "HT"]


def test_there_may_be_no_table(tmp_path: Path) -> None:
    phantom(tmp_path)
    (tmp_path / "kaggle_3m" / "data.csv").unlink()
    assert dict(LggMri(tmp_path).listing().records[0].facts) == {"slice": "1"}


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    phantom(tmp_path)
    (tmp_path / "kaggle_3m" / "data.csv").write_bytes(b"Patient\n\xff\xfe\xff")
    with pytest.raises(SegkitError, match="clinical table") as caught:
        LggMri(tmp_path).listing()
    assert caught.value.where.endswith("kaggle_3m/data.csv")


def test_pixels_and_classes(tmp_path: Path) -> None:
    reader = LggMri(as_published(tmp_path / "lgg"))
    first, second = reader.listing().records[:2]
    sample = reader.read(first)
    check_sample(sample, first, len(reader.classes))
    stored = tifffile.imread(io.BytesIO(reader.source.read(first.image)))
    np.testing.assert_array_equal(sample.image, stored)
    expected = np.zeros((16, 16), np.uint8)
    expected[2:6, 3:9] = 1
    np.testing.assert_array_equal(sample.mask, expected)
    empty = reader.read(second).mask
    assert empty is not None
    assert not empty.any()
    assert reader.classes == ("background", "tumour")


def test_orphans_are_problems(tmp_path: Path) -> None:
    folder = phantom(tmp_path) / "kaggle_3m" / CS
    (folder / f"{CS}_3_mask.tif").unlink()
    (folder / f"{CS}_10.tif").unlink()
    found = LggMri(tmp_path).listing()
    assert [(problem.where, problem.what) for problem in found.problems] == [
        (f"kaggle_3m/{CS}/{CS}_10_mask.tif", "a mask without an image"),
        (f"kaggle_3m/{CS}/{CS}_3.tif", "an image without a mask"),
    ]
    assert len(found.records) == 11


def test_slices_without_any_mask_are_there_to_be_predicted(tmp_path: Path) -> None:
    for mask in phantom(tmp_path).rglob("*_mask.tif"):
        mask.unlink()
    found = LggMri(tmp_path).listing()
    assert found.problems == []
    assert len(found.records) == 13
    assert not any(record.labelled for record in found.records)
    assert LggMri(tmp_path).read(found.records[0]).mask is None


def test_another_data_set_is_refused_with_the_layout(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a_1.tif", np.zeros((4, 4), np.uint8))
    with pytest.raises(SegkitError, match="no record of LggMri") as caught:
        LggMri(tmp_path).listing()
    assert "kaggle_3m/<patient>" in caught.value.remedy


def test_a_damaged_slice_is_named(tmp_path: Path) -> None:
    image = phantom(tmp_path) / "kaggle_3m" / CS / f"{CS}_1.tif"
    image.write_bytes(image.read_bytes()[:200])
    reader = LggMri(tmp_path)
    with pytest.raises(SegkitError, match="cut off") as caught:
        reader.read(reader.listing().records[0])
    assert caught.value.where == str(image)


def test_the_configuration_builds_the_reader(tmp_path: Path) -> None:
    with initialize_config_dir(str(CONF), version_base=None):
        config = compose(overrides=["+dataset=lgg_mri", f"dataset.root={tmp_path}", "+seed=0"])
    reader = instantiate(OmegaConf.to_container(config.dataset, resolve=True))["reader"]
    assert isinstance(reader, LggMri)
    assert reader.root == tmp_path
    assert (config.dataset.score_by, config.dataset.channels) == ("group", 3)
