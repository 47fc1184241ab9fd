"""GeoJSON read back with json and shapely, against QuPath's keys (QuPathTypeAdapters.java)."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from segkit.inference.objects.geojson import write_geojson
from segkit.inference.objects.measure import measure, table_rows
from tests.inference.objects.phantoms import PHANTOMS, Labels, disconnected, holes


def read(path: Path) -> list[dict[str, Any]]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert set(content) == {"type", "features"}
    assert content["type"] == "FeatureCollection"
    features: list[dict[str, Any]] = content["features"]
    assert all(feature["type"] == "Feature" for feature in features)
    return features


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_filled_again_the_labels_are_the_same(
    phantom: Callable[[], Labels], tmp_path: Path
) -> None:
    labels = phantom()
    write_geojson(tmp_path / "a.geojson", labels)
    again = np.zeros_like(labels)
    rows, columns = np.indices(labels.shape)
    for feature in read(tmp_path / "a.geojson"):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid
        assert feature["properties"]["objectType"] == "detection"
        mask = shapely.contains_xy(shape, columns + 0.5, rows + 0.5)
        assert not again[mask].any()
        again[mask] = int(feature["properties"]["name"])
    np.testing.assert_array_equal(again, labels)


def test_rings_are_closed_and_the_first_is_the_outer_one(tmp_path: Path) -> None:
    write_geojson(tmp_path / "a.geojson", holes())
    geometry = read(tmp_path / "a.geojson")[0]["geometry"]
    assert geometry["type"] == "Polygon"
    assert all(ring[0] == ring[-1] for ring in geometry["coordinates"])
    outer, *rest = (shapely.Polygon(ring) for ring in geometry["coordinates"])
    assert len(rest) == 4
    assert outer.exterior.is_ccw
    assert all(outer.contains(hole) and not hole.exterior.is_ccw for hole in rest)


def test_parts_are_one_feature(tmp_path: Path) -> None:
    write_geojson(tmp_path / "a.geojson", disconnected())
    kinds = {
        feature["properties"]["name"]: (
            feature["geometry"]["type"],
            len(feature["geometry"]["coordinates"]),
        )
        for feature in read(tmp_path / "a.geojson")
    }
    assert kinds == {"70000": ("MultiPolygon", 3), "3": ("MultiPolygon", 2)}


def test_measurements_are_objects_csv(tmp_path: Path) -> None:
    labels = holes()
    found = measure(labels, pixel_size=(0.5, 0.5))
    rows = list(table_rows(found))
    assert math.isnan(rows[1]["orientation_deg"])
    write_geojson(tmp_path / "a.geojson", labels, measurements=found, kind="Zellkern µ")
    for feature, row in zip(read(tmp_path / "a.geojson"), rows, strict=True):
        properties = feature["properties"]
        assert properties["classification"] == {"name": "Zellkern µ"}
        known = {k: v for k, v in row.items() if k != "label" and math.isfinite(v)}
        assert properties["measurements"] == known
        assert "area_um2" in known


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    write_geojson(path, holes())
    before = path.read_bytes()
    wrong = measure(holes())
    wrong["area_px"] = wrong["area_px"] * 1j
    with pytest.raises(TypeError):
        write_geojson(path, holes(), measurements=wrong)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
