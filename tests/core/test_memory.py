"""What is available, by the files in which the kernel says so."""

from collections.abc import Mapping
from mmap import mmap
from pathlib import Path

import pytest

from segkit.core import memory
from segkit.core.errors import SegkitError

GIB = 2**30


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 32 GiB available and no control group."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {32 * 2**20} kB\n")
    (tmp_path / "cgroup").write_text("")
    (tmp_path / "groups").mkdir()
    for name, file in {"_MEMINFO": "meminfo", "_CGROUP": "cgroup", "_GROUPS": "groups"}.items():
        monkeypatch.setattr(memory, name, str(tmp_path / file))
    return tmp_path


def limit(kernel: Path, folder: str, files: Mapping[str, object]) -> None:
    place = kernel / "groups" / folder
    place.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (place / name).write_text(f"{value}\n")


@pytest.mark.usefixtures("kernel")
def test_without_a_limit_it_is_the_machines() -> None:
    assert memory.available() == 32 * GIB


def test_nobody_tells(kernel: Path) -> None:
    (kernel / "meminfo").unlink()
    assert memory.available() is None
    memory.require(10**18, "anything", where="here", remedy="none")


@pytest.mark.parametrize("where", ["", "slice", "slice/job"])
def test_version_2_of_the_own_group_and_of_those_above(kernel: Path, where: str) -> None:
    (kernel / "cgroup").write_text("0::/slice/job\n")
    for folder in ("", "slice", "slice/job"):
        limit(kernel, folder, {"memory.max": "max", "memory.current": 5 * GIB})
    limit(kernel, where, {"memory.max": 8 * GIB, "memory.current": 5 * GIB})
    assert memory.available() == 3 * GIB
    stat = f"anon 1\nactive_file {GIB}\ninactive_file {GIB}\nfile 7"
    limit(kernel, where, {"memory.stat": stat})
    assert memory.available() == 5 * GIB, "files in memory can be reclaimed"


def test_version_1(kernel: Path) -> None:
    (kernel / "cgroup").write_text("9:cpu,cpuacct:/else\n4:memory:/job/1\n0::/\n")
    no_limit = {"memory.limit_in_bytes": 9223372036854771712, "memory.usage_in_bytes": GIB}
    limit(kernel, "memory/job/1", no_limit)
    limit(kernel, "memory", no_limit)
    assert memory.available() == 32 * GIB
    held = {"memory.limit_in_bytes": 4 * GIB, "memory.usage_in_bytes": 3 * GIB}
    stat = f"active_file 0\ntotal_inactive_file {GIB}\ntotal_active_file 0"
    limit(kernel, "memory/job", held | {"memory.stat": stat})
    assert memory.available() == 2 * GIB


def test_a_container_sees_its_own_group_as_the_root(kernel: Path) -> None:
    """Docker of old shows the name that the group has outside."""
    (kernel / "cgroup").write_text("4:memory:/docker/0a1b\n")
    limit(kernel, "memory", {"memory.limit_in_bytes": 2 * GIB, "memory.usage_in_bytes": GIB})
    assert memory.available() == GIB


def test_a_group_beyond_its_limit_has_nothing_left(kernel: Path) -> None:
    (kernel / "cgroup").write_text("0::/a\n")
    limit(kernel, "a", {"memory.max": GIB, "memory.current": 2 * GIB})
    assert memory.available() == 0


@pytest.mark.usefixtures("kernel")
def test_a_refusal_names_both_figures() -> None:
    memory.require(32 * GIB, "a step", where="here", remedy="less")
    with pytest.raises(SegkitError) as caught:
        memory.require(33 * GIB, "a step", where="here", remedy="less")
    assert caught.value.what == (
        "a step needs about 33.0 GiB of memory, and 32.0 GiB are available"
    )


def test_what_this_process_holds_grows() -> None:
    before = memory.resident()
    if not before:
        pytest.skip("this system does not tell")
    # Mapped anew: what the heap has from earlier is resident already.
    with mmap(-1, 64 * 2**20) as block:
        block.write(b"\1" * len(block))
        assert memory.resident() - before > 48 * 2**20
        assert memory.most_held() >= before + len(block) // 2
