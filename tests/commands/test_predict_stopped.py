"""``python -m segkit.predict`` ended from outside, or by one name too many."""

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import Tensor

from segkit import predict
from segkit.inference.table import Table
from segkit.tasks.semantic.decoder import SemanticDecoder
from tests.commands.in_process import Call, fixture_of
from tests.commands.predicting import given, picture, pixels, table

ALL = ("overlay=true", "colour=true", "probability=true")


command = fixture_of(predict)


@pytest.fixture(autouse=True)
def _nobody_else_hears_sigterm() -> Iterator[None]:
    """What an earlier test in this process left would be heard in its place."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def test_sigterm_leaves_no_unfinished_file(
    run: Any, command: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, out = SemanticDecoder.decode, tmp_path / "out"

    def ended(self: SemanticDecoder, outputs: Tensor) -> Tensor:
        if (out / "alpha.png").exists():
            assert len(hidden(out)) == 4
            signal.raise_signal(signal.SIGTERM)
        return decode(self, outputs)

    with monkeypatch.context() as patch:
        patch.setattr(SemanticDecoder, "decode", ended)
        assert command(*given(run, inputs, out, *ALL)) == 128 + signal.SIGTERM
    assert hidden(out) == []
    assert [Path(row["file"]).stem for row in table(out)] == ["alpha"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("moment", ["before the row", "after the row", "after a file"])
def test_killed_while_it_replaces_an_answer_it_predicts_again(
    run: Any,
    command: Call,
    inputs: Path,
    tmp_path: Path,
    *,
    moment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old files are not taken for those of the input as it is now."""
    one, out = inputs / "grey.bmp", tmp_path / "out"
    assert command(*given(run, one, out, "overlay=true")) == 0
    Image.fromarray(picture(1, (48, 80))).save(one)
    add, replace = Table.add, Path.replace

    def adding(*args: Any) -> None:
        if moment == "before the row":
            os._exit(9)
        add(*args)
        if moment == "after the row":
            os._exit(9)

    def replacing(self: Path, target: Path) -> Path:
        replace(self, target)
        if Path(target).suffix != ".csv":
            os._exit(9)
        return target

    child = os.fork()
    if not child:
        try:
            monkeypatch.setattr(Table, "add", adding)
            monkeypatch.setattr(Path, "replace", replacing)
            command(*given(run, one, out, "overlay=true"))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert command(*given(run, one, out, "overlay=true")) == 0
    assert pixels(out / "grey.png").shape == (48, 80)
    with Image.open(out / "grey_overlay.jpg") as drawn:
        assert drawn.size == (80, 48)


def test_a_name_too_long_costs_that_file_alone(
    run: Any, command: Call, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """251 bytes and four of .png are 255, as many as a name may have."""
    long = "ä" * 125 + "b"
    (inputs / "grey.bmp").rename(inputs / f"{long}.bmp")
    assert command(*given(run, inputs, tmp_path / "plain")) == 0
    assert (tmp_path / "plain" / f"{long}.png").is_file()
    for again in range(2):
        assert command(*given(run, inputs, tmp_path / "out", *ALL)) == 1
        assert "name too long" in capsys.readouterr().err.lower()
        status = {Path(row["file"]).stem: row["status"] for row in table(tmp_path / "out")}
        assert os.strerror(errno.ENAMETOOLONG) in status.pop(long), again
        assert set(status.values()) == {"ok"}
        assert len(status) == 5
        names = [path.name for path in (tmp_path / "out").rglob("*")]
        assert not [name for name in names if name.startswith((".", "ä"))]


def test_sigterm_ends_other_writing_the_same_way(
    run: Any, command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    out = tmp_path / "out"
    assert command(*given(run, tmp_path / "a.png", out)) == 0

    def ended(*args: Any) -> None:
        del args
        assert len(hidden(out)) == 1
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("segkit.inference.submission.encode_components", ended)
    asked = given(run, tmp_path / "a.png", out, "rle=true")
    assert command(*asked) == 128 + signal.SIGTERM
    assert hidden(out) == []
