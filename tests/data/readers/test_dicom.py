"""DICOM files among one's own images: patients are groups, and names stay where they are."""

import logging
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.cache import open_cache
from segkit.data.cache_build import CacheSpec
from segkit.data.readers.folder import Folder
from segkit.data.split_file import split_table
from segkit.imaging.bands import open_rows
from segkit.imaging.formats import dicom as formats_dicom
from segkit.imaging.pixels import decode
from tests.data.readers.conftest import Make
from tests.data.readers.dicom_sets import put, put_mask, told, write_patients
from tests.imaging.dicom_files import SECRETS, dicom, ramp

CLASSES = ("background", "bone")
DIRECTORY, PLAN = "1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.481.5"


def mask(root: Path, stem: str) -> None:
    put_mask(root, stem, np.arange(256).reshape(16, 16) > 99)


def series(root: Path, patient: str, places: dict[str, float], suffix: str = ".dcm") -> None:
    """A file a slice, called as they like, lying at these places."""
    for number, (stem, place) in enumerate(places.items()):
        data = dicom(
            ramp(0, 4095),
            BitsStored=12,
            PatientID=patient,
            StudyInstanceUID=f"1.2.{len(patient)}",
            SeriesInstanceUID=f"1.2.{len(patient)}.3",
            InstanceNumber=len(places) - number,
            ImagePositionPatient=[0, place, 7],
            # Coronal: rows run to the left, columns to the feet.
            ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
        )
        put(root, f"images/{stem}{suffix}", data)
        mask(root, stem)


def groups(reader: Folder) -> list[tuple[str, str]]:
    return [(record.id, record.group) for record in reader.listing().records]


def test_contract(contract: Callable[[Path, Make], None], tmp_path: Path) -> None:
    series(tmp_path / "set", "one", {"a": 1, "b": 2})
    series(tmp_path / "set", "two", {"c": 1, "d": 2})
    contract(tmp_path / "set", lambda root: Folder(root, classes=CLASSES))


def test_the_patient_is_the_group_and_slices_lie_in_order(tmp_path: Path) -> None:
    series(tmp_path, "MRN-4711-0815", {"b": 30, "c": 10, "d": 20})
    series(tmp_path, "Z", {"a": 5})
    series(tmp_path, "MRN-4711-0815 ", {"e": 40})
    found = groups(Folder(tmp_path, classes=CLASSES))
    first, second = "patient-001", "patient-002"
    assert found == [("a", first), *((name, second) for name in "cdbe")]


def test_groups_are_the_same_each_time_and_a_pattern_or_a_table_goes_first(tmp_path: Path) -> None:
    series(tmp_path, "one", {"p1_a": 1, "p1_b": 2})
    series(tmp_path, "two", {"p2_a": 1})
    assert groups(Folder(tmp_path, classes=CLASSES)) == groups(Folder(tmp_path, classes=CLASSES))
    own = Folder(tmp_path, classes=CLASSES, group_pattern="^(p.)_")
    assert [group for _, group in groups(own)] == ["p1", "p1", "p2"]
    rows = ["image,mask,group", *(f"images/{s}.dcm,masks/{s}.png,{g}" for s, g in TABLE)]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    listed = Folder(tmp_path, classes=CLASSES, manifest="table.csv")
    assert [group for _, group in groups(listed)] == ["mine", "patient-001", "patient-002"]


TABLE = [("p1_a", "mine"), ("p1_b", ""), ("p2_a", "")]


def test_without_a_patient_the_study_is_the_group(tmp_path: Path) -> None:
    series(tmp_path, "", {"a": 1, "b": 2})
    put(tmp_path, "images/c.dcm", dicom(ramp(0, 9), PatientID=None))
    mask(tmp_path, "c")
    found = dict(groups(Folder(tmp_path, classes=CLASSES)))
    assert found == {"a": "study-001", "b": "study-001", "c": "c"}


@pytest.mark.parametrize("packed", [False, True])
def test_an_export_without_suffixes(tmp_path: Path, packed: bool) -> None:
    root = tmp_path / "export"
    series(root, "A", {"IM0001": 2, "1.2.840.113619.5": 1, "1.2.840.113619.6": 3}, suffix="")
    put(root, "images/DICOMDIR", dicom(None, storage=DIRECTORY))
    put(root, "images/RT0001", dicom(None, storage=PLAN))
    put(root, "images/LICENSE", b"Free for all.")
    put(root, "DICOMDIR", dicom(None, storage=DIRECTORY))
    if packed:
        with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(root.rglob("*")):
                archive.write(path, path.relative_to(tmp_path))
        root = tmp_path / "export.zip"
    reader = Folder(root, classes=CLASSES)
    assert [name for name, _ in groups(reader)] == [
        "1.2.840.113619.5",
        "IM0001",
        "1.2.840.113619.6",
    ]
    assert not reader.listing().problems
    for record in reader.listing().records:
        assert reader.read(record).image.shape == (16, 16)
    told = reader.passed_over()
    assert "1 DICOM without pixels (Media Storage Directory Storage)" in told
    assert "1 DICOM without pixels (RT Plan Storage)" in told
    assert "1 DICOMDIR" in told


def test_files_without_a_suffix_are_no_images_where_others_are(tmp_path: Path) -> None:
    series(tmp_path, "A", {"a": 1})
    put(tmp_path, "images/IM0001", dicom(ramp(0, 9)))
    assert groups(Folder(tmp_path, classes=CLASSES)) == [("a", "patient-001")]


def test_a_patient_on_both_sides_of_a_published_split_is_one_group(tmp_path: Path) -> None:
    for folder in ("train", "test"):
        series(tmp_path / folder, SECRETS["PatientID"], {"a": 1, "b": 2})
    found = Folder(tmp_path, classes=CLASSES).listing().records
    assert {(record.group, record.split) for record in found} == {
        ("patient-001", "train"),
        ("patient-001", "test"),
    }


def test_a_file_that_is_damaged_stays_a_record_and_says_so(tmp_path: Path) -> None:
    series(tmp_path, "A", {"a": 1, "b": 2})
    path = tmp_path / "images/b.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    reader = Folder(tmp_path, classes=CLASSES)
    record = reader.listing().records[1]
    with pytest.raises(SegkitError, match="damaged or was cut off") as caught:
        reader.read(record)
    assert "b.dcm" in caught.value.where


def test_nothing_that_names_a_patient_is_listed_cached_or_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    write_patients(tmp_path / "ct", patients=3, slices=2, side=48)
    for number, (name, data) in enumerate(_leaky().items()):
        put(tmp_path / "ct", f"images/{name}.dcm", data)
        mask(tmp_path / "ct", name)
        assert told(tmp_path / f"ct/images/{name}.dcm"), number
    reader = Folder(tmp_path / "ct", classes=CLASSES)
    found, said = reader.listing(), []
    for record in found.records:
        try:
            reader.read(record)
        except SegkitError as error:
            said.append(repr(error) + "".join(traceback.format_exception(error)))
    assert len(said) == 4
    good = [record for record in found.records if record.id.startswith("s")]
    open_cache(reader, good, spec=CacheSpec((16, 16), 3), folder=tmp_path / "cache", name="ct")
    splits = dict.fromkeys((record.id for record in found.records), "train")
    out = tmp_path / "out"
    put(out, "split.csv", split_table(found.records, splits).encode())
    put(out, "said", "\n".join([*said, caplog.text, repr(found), reader.passed_over()]).encode())
    assert told(out) == told(tmp_path / "cache") == []


def _leaky() -> dict[str, bytes]:
    """Files of which pydicom's own messages would quote what names the patient."""
    whole = dicom(ramp(0, 999), WindowCenter="40", WindowWidth="400")
    name = SECRETS["PatientName"].encode()
    return {
        "rows": dicom(ramp(0, 999), Rows=17),
        # Where a number should be, the name stands.
        "window": whole.replace(b"DS\x02\x0040", b"DS\x0c\x00" + name.ljust(12)),
        "syntax": whole.replace(
            b"1.2.840.10008.1.2.1\0", (name + b"^MRN-4711-0815")[:20].ljust(20)
        ),
        "cut": whole[:-100],
    }


def test_a_fixed_range_of_intensities_is_of_hounsfield_units(tmp_path: Path) -> None:
    write_patients(tmp_path, patients=1, slices=1, side=48)
    reader = Folder(tmp_path, classes=CLASSES)
    reader.intensity = (-100.0, 300.0)
    (record,) = reader.listing().records
    data = reader.source.read(record.image)
    units = decode(data, "", measured=True).astype(float)
    assert -30 <= units.min() < units.max() <= 200
    right = np.rint((units + 100) * 255 / 400)
    np.testing.assert_array_equal(reader.read(record).image, right)
    rows = open_rows(tmp_path / record.image, 10**6, (-100.0, 300.0))
    np.testing.assert_array_equal(rows.rows(0, 48), right)
    np.testing.assert_array_equal(rows.stored(0, 48), units)


def test_a_patient_is_one_whoever_issued_the_number(tmp_path: Path) -> None:
    for stem, more in (("a", {}), ("b", {"IssuerOfPatientID": "ward 3"})):
        put(tmp_path, f"images/{stem}.dcm", dicom(ramp(0, 255), PatientID="7", **more))
        mask(tmp_path, stem)
    assert groups(Folder(tmp_path, classes=CLASSES)) == [("a", "patient-001"), ("b", "patient-001")]


def test_each_header_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series(tmp_path, "one", {"a": 1, "b": 2}, suffix="")
    series(tmp_path, "two", {"c": 1})
    before, opened = formats_dicom.header, list[str]()

    def counted(stream: Any) -> Any:
        opened.append(stream.name)
        return before(stream)

    monkeypatch.setattr(formats_dicom, "header", counted)
    assert {group for _, group in groups(Folder(tmp_path, classes=CLASSES))} == {"patient-001"}
    assert opened == [str(tmp_path / "images" / "c.dcm")]
