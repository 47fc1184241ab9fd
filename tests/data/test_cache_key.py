"""What has a cache of its own: each setting and each table that changes what is in it."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from segkit.data.cache_build import CacheSpec
from segkit.data.readers.dsb2018 import Dsb2018
from segkit.data.readers.folder import Folder
from tests.data.caching import build


def test_every_setting_that_changes_pixels_has_a_cache_of_its_own(
    phantom_root: Path, own_root: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Dsb2018(phantom_root)
    records = reader.listing().records
    folders = [build(reader, cache_dir).folder]
    for spec in (CacheSpec((40, 48), 3), CacheSpec((48, 40), 1), CacheSpec(None, 3)):
        folders.append(build(reader, cache_dir, spec).folder)
    folders.append(build(reader, cache_dir, records=records[1:]).folder)
    folders.append(build(reader, cache_dir, records=records[::-1]).folder)
    folders.append(build(Dsb2018(own_root), cache_dir).folder)
    moved = [replace(records[0], stratum="other"), *records[1:]]
    folders.append(build(reader, cache_dir, records=moved).folder)
    monkeypatch.setattr(Dsb2018, "version", Dsb2018.version + 1)
    folders.append(build(reader, cache_dir).folder)
    assert len(set(folders)) == len(folders) == 9


def test_settings_of_the_reader_count(tmp_path: Path, cache_dir: Path) -> None:
    for kind, pixels in (("images", 9), ("masks", 0)):
        (tmp_path / "set" / kind).mkdir(parents=True)
        Image.new("L", (8, 8), pixels).save(tmp_path / "set" / kind / "a.png")
    settings: list[dict[int | str, int] | None] = [None, {0: 1}]
    found = [
        build(Folder(tmp_path / "set", classes=["a", "b"], mask_values=values), cache_dir)
        for values in settings
    ]
    assert [int(cache.mask("a").max()) for cache in found] == [0, 1]


def test_a_stratum_that_changes_in_a_table_is_seen(tmp_path: Path, cache_dir: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    Image.new("L", (8, 8)).save(root / "a.png")
    for stratum in ("old", "new"):
        (root / "list.csv").write_text(f"image,mask,stratum\na.png,a.png,{stratum}\n")
        reader = Folder(root, classes=["a", "b"], manifest="list.csv")
        assert build(reader, cache_dir).entries["a"].stratum == stratum
