"""DICOM that is damaged, odd, or larger than it looks: pixels or a message, in bounded memory."""

import io
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from segkit.core.errors import SegkitError
from segkit.data.image_files import dicom_headers
from segkit.inference.dicom_seg import DicomSeg
from tests.hostile.cases import Case, file, flips, spoilt
from tests.hostile.dicoms import dicom_bombs, dicoms, framed, samples
from tests.hostile.reading import READ
from tests.hostile.test_fuzz import changed, changes, search, st
from tests.hostile.test_readers import MOST_GROWTH_MB, ROOT, attempts, written
from tests.imaging.dicom_files import SECRETS
from tests.inference.dicom_segs import CLASSES, PLACE, put

SAMPLES = samples()


def test_the_samples_are_in_order(tmp_path: Path) -> None:
    cases = [file(name, "image", data, name) for name, data in SAMPLES.items()]
    assert attempts(cases, tmp_path) == {"read": len(SAMPLES) - 1, "refused": 1}, "but a report"


def test_damaged_files(tmp_path: Path) -> None:
    found = attempts(dicoms(count=105), tmp_path)
    assert found.total() > 120
    assert found["read"] > 25, "most elements are not asked for"
    assert found["refused"] > 40


def test_damaged_frames(tmp_path: Path) -> None:
    found = attempts(framed(), tmp_path)
    assert found["read"] > 25
    assert found["refused"] > 25


def test_changed_files() -> None:
    def make(value: tuple[str, list[tuple[int, bytes, bool]]]) -> Case:
        name, several = value
        return file("changed", "image", changed(SAMPLES[name], several), name)

    search(st.tuples(st.sampled_from(sorted(SAMPLES)), changes(2000)), make)


def test_damaged_headers_are_read_or_left() -> None:
    for number, (name, data) in enumerate(SAMPLES.items()):
        for _, damaged in flips(data, 20, number):
            assert len(dicom_headers(["IM1"], partial(_opened, damaged))) <= 1, name


def test_damaged_images_are_referred_to_or_not(tmp_path: Path) -> None:
    one = put(tmp_path, **PLACE)
    data, mask = one.path.read_bytes(), np.zeros((16, 16), np.uint8)
    done, said = 0, []
    for number, (_, damaged) in enumerate(spoilt("ct", data[:1000], 60, 0)):
        one.path.write_bytes(damaged + data[1000:] * (number % 2))
        try:
            DicomSeg(one, CLASSES, "abc").write(tmp_path / "seg.dcm", mask)
            done += 1
        except SegkitError as error:
            said.append(str(error))
    assert done > 10
    assert len(said) > 10
    assert not any(secret in "".join(said) for secret in SECRETS.values())


def _opened(data: bytes, name: str) -> io.BytesIO:
    assert name == "IM1"
    return io.BytesIO(data)


@pytest.mark.slow
def test_nothing_grows_beyond_the_limit(tmp_path: Path) -> None:
    named = [(c.name, c.kind, str(path)) for c, path in written(dicom_bombs(), tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.reading"],
        input=json.dumps(named),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(named)
    assert [row for row in rows if row[1].startswith("CRASH")] == []
    assert [row for row in rows if row[2] > MOST_GROWTH_MB] == []
    assert [row[0] for row in rows if row[1] == READ] == [
        "segments.dcm, image",
        "segments.dcm, frames",
    ]
