"""Files of all images, made of their parts."""

from pathlib import Path

import numpy as np

from segkit.core.tables import row_text
from segkit.inference.names import Input
from segkit.inference.objects.joined import write_joined
from segkit.inference.runlength import encode_labels
from segkit.inference.table import OK, Table, columns
from segkit.inference.wanted import Wanted


def test_an_object_of_any_size_is_in_the_submission(tmp_path: Path) -> None:
    """Its cell is longer than the 131,072 characters that Python's csv reads by itself."""
    inputs = [Input(tmp_path / 'a, "b".png'), Input(tmp_path / "c.png")]
    wanted = Wanted(tmp_path / "out", "png", (), labels=True, rle=True)
    table = Table(tmp_path / "out" / "predictions.csv", columns([], labels=True), "0" * 12)
    (wanted.folder / ".objects").mkdir(parents=True)
    stripes = np.zeros((400, 400), np.int32)
    stripes[::2] = 1
    expected = ["ImageId,EncodedPixels\n"]
    for one in inputs:
        one.path.write_bytes(b"")
        table.add(one, {}, OK)
        texts = list(encode_labels(stripes))
        assert len(texts[0]) > 2**17
        rows = [row_text((one.name, text)) for text in texts]
        wanted.part(one.name, "submission.csv").write_text("".join(rows), "utf-8")
        wanted.part(one.name, "objects.csv").write_text("image,object\n", "utf-8")
        expected += rows
    write_joined(inputs, table, wanted, "nucleus")
    assert (wanted.folder / "submission.csv").read_text("utf-8") == "".join(expected)
