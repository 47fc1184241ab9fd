"""``python -m segkit.predict`` of files of many planes: what to do is said, and then works."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segkit import predict
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given, picture, table

command = fixture_of(predict)


def stacks(folder: Path, **told: Any) -> Path:
    """Three stacks of four grey planes each; told: what the files say of them."""
    folder.mkdir()
    for number in range(3):
        planes = np.stack([picture(4 * number + n, (48, 64)) for n in range(4)])
        tifffile.imwrite(folder / f"{number}.tif", planes, photometric="minisblack", **told)
    return folder


@pytest.mark.parametrize("axes", ["ZYX", None])
def test_the_advice_is_said_once_and_works_in_the_same_folder(
    run: Any,
    command: Call,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    axes: str | None,
) -> None:
    inputs = stacks(tmp_path / "stacks", metadata={"axes": axes} if axes else None)
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 1
    said = capsys.readouterr()
    assert (said.out + said.err).count("left out: ") == 3
    assert (said.out + said.err).count("fix: ") == 1
    assert "overlay=true" not in said.out, "there is nothing to draw"
    (fix,) = (line for line in (said.out + said.err).splitlines() if "fix: " in line)
    assert "dataset." not in fix
    way = "z=max" if axes else "axes=ZYX"
    assert way in fix
    assert command(*given(run, inputs, out, *shlex.split(way), *(() if axes else ("z=max",)))) == 0
    assert {row["status"] for row in table(out)} == {"ok"}
    # What is there now is not replaced by other planes.
    assert command(*given(run, inputs, out, "axes=ZYX", "z=mean")) == 2


def test_what_was_drawn_since_a_failed_attempt_is_kept(
    run: Any, command: Call, tmp_path: Path
) -> None:
    inputs = stacks(tmp_path / "stacks", metadata={"axes": "ZYX"})
    out = tmp_path / "out"
    assert command(*given(run, inputs, out)) == 1
    drawn = out / "1.png"
    drawn.write_bytes(b"of the user's own")
    assert command(*given(run, inputs, out, "z=1")) == 2
    assert drawn.read_bytes() == b"of the user's own"
