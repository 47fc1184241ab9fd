"""Items of npz arrays: the same as numpy's, in flat memory, from whatever holds the file."""

import ast
import io
import pickle
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segkit.core.errors import SegkitError
from segkit.core.limits import DEFAULT_MEGAPIXELS, limit_images
from segkit.data.readers.npz import NpzArray
from tests.data.readers.npz_files import HOLDERS, SAVES, Save, _hold, _npz


def _open(tmp_path: Path, array: NDArray[Any]) -> NpzArray:
    opened = _hold(tmp_path, _npz(X=array), "folder").array("train.npz", "X")
    assert opened is not None
    return opened


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_items_equal_numpys_in_any_order(tmp_path: Path, save: Save, holder: str) -> None:
    rng = np.random.default_rng(0)
    stack = rng.normal(size=(7, 5, 6, 1)).astype(np.float32)
    labels = rng.integers(0, 9, (7, 5, 6, 2))
    files = _hold(tmp_path, _npz(save, X=stack, y=labels), holder)
    images, masks = files.array("train.npz", "X"), files.array("train.npz", "y")
    assert images is not None
    assert masks is not None
    assert (images.shape, images.dtype, len(masks)) == (stack.shape, stack.dtype, 7)
    for index in (0, 1, 2, 6, 3, 3, 0):
        np.testing.assert_array_equal(images.item(index), stack[index])
        np.testing.assert_array_equal(masks.item(index), labels[index])


def test_missing_array_is_none_and_missing_item_an_index_error(tmp_path: Path) -> None:
    files = _hold(tmp_path, _npz(X=np.zeros((2, 3))), "folder")
    images = files.array("train.npz", "X")
    assert files.array("train.npz", "y") is None
    assert images is not None
    for index in (2, -1):
        with pytest.raises(IndexError, match="2 items"):
            images.item(index)


def test_big_endian_becomes_native(tmp_path: Path) -> None:
    item = _open(tmp_path, np.arange(6, dtype=">f4").reshape(2, 3)).item(1)
    assert item.dtype == np.dtype("=f4")
    assert item.tolist() == [3, 4, 5]


def test_fortran_order_of_a_single_item_is_read(tmp_path: Path) -> None:
    stack = np.asfortranarray(np.arange(12.0).reshape(1, 3, 4))
    assert not stack.flags.c_contiguous
    np.testing.assert_array_equal(_open(tmp_path, stack).item(0), stack[0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{"a": 1}, None], dtype=object), "Python objects"),
        (np.asfortranarray(np.zeros((2, 3, 4))), "Fortran"),
        (np.zeros(3, np.complex64), "complex64"),
        (np.zeros(3, [("a", "f4")]), "not of numbers"),
        (np.float32(3), "single number"),
    ],
)
def test_arrays_that_cannot_be_streamed_are_refused(
    tmp_path: Path, array: NDArray[Any], message: str
) -> None:
    with pytest.raises(SegkitError, match=message) as caught:
        _open(tmp_path, array)
    assert "train.npz, array X" in caught.value.where
    assert "ascontiguousarray" in caught.value.remedy


class _Trap:
    """Notices when it is unpickled."""

    sprung = False

    def __reduce__(self) -> tuple[object, ...]:
        return (_spring, ())


def _spring() -> None:
    _Trap.sprung = True


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    meta = np.array([_Trap()], dtype=object)
    data = _npz(X=np.ones((1, 2)), meta=meta)
    with np.load(io.BytesIO(data), allow_pickle=True) as loaded:
        assert loaded["meta"].shape == (1,)
    assert _Trap.sprung  # the trap works
    _Trap.sprung = False
    files = _hold(tmp_path, data, "folder")
    images = files.array("train.npz", "X")
    assert images is not None
    images.item(0)
    with pytest.raises(SegkitError, match="Python objects"):
        files.array("train.npz", "meta")
    assert not _Trap.sprung


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_front_to_back_in_flat_memory(tmp_path: Path, save: Save, holder: str) -> None:
    count, side = 96, 256  # 24 MiB, a quarter of a MiB each
    stack = np.repeat(np.arange(count, dtype=np.float32), side * side).reshape(count, side, side)
    files = _hold(tmp_path, _npz(save, X=stack), holder)
    total, first = stack.nbytes, stack[0].nbytes
    del stack
    images = files.array("train.npz", "X")
    assert images is not None
    images.item(0)  # whatever is set up once
    tracemalloc.start()
    try:
        for index in range(count):
            assert images.item(index)[0, 0] == index
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 90 * first
    assert peak < 8 * first


def test_threads_do_not_share_a_stream(tmp_path: Path) -> None:
    stack = np.arange(40 * 16, dtype=np.int32).reshape(40, 16)
    files = _hold(tmp_path, _npz(np.savez_compressed, X=stack), "deflated zip")
    wrong: list[int] = []

    def read_all(order: list[int]) -> None:
        images = files.array("train.npz", "X")
        assert images is not None
        wrong.extend(i for i in order if not np.array_equal(images.item(i), stack[i]))

    orders = [list(range(40)), list(range(39, -1, -1)), list(range(0, 40, 3))]
    threads = [threading.Thread(target=read_all, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    here = files.array("train.npz", "X")
    assert files.array("train.npz", "X") is here


def test_travels_by_pickle(tmp_path: Path) -> None:
    files = _hold(tmp_path, _npz(X=np.arange(6).reshape(2, 3)), "stored zip")
    files.array("train.npz", "X")
    copy = pickle.loads(pickle.dumps(files)).array("train.npz", "X")
    assert copy is not None
    assert copy.item(1).tolist() == [3, 4, 5]


def test_a_closed_file_is_reported_not_read(tmp_path: Path) -> None:
    images = _open(tmp_path, np.zeros((2, 3)))
    images.close()
    images.close()
    with pytest.raises(SegkitError, match="closed"):
        images.item(0)


def test_an_item_beyond_the_bound(tmp_path: Path) -> None:
    limit_images(0.0001)  # 800 bytes
    try:
        _open(tmp_path, np.zeros((9, 10, 10)))
        with pytest.raises(SegkitError, match="max_megapixels"):
            _open(tmp_path, np.zeros((1, 10, 11)))
    finally:
        limit_images(DEFAULT_MEGAPIXELS)


def test_headers_are_parsed_by_one_thread_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11's parser counts its depth for all threads at once."""
    files = _hold(tmp_path, _npz(X=np.zeros((2, 3))), "folder")
    before, busy, most = ast.literal_eval, list[int](), list[int]()

    def parsed(text: Any) -> Any:
        busy.append(1)
        time.sleep(0.02)
        most.append(len(busy))
        busy.pop()
        return before(text)

    monkeypatch.setattr(ast, "literal_eval", parsed)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: files.array("train.npz", "X"), range(4)))
    assert set(most) == {1}
