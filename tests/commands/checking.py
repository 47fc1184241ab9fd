"""``segkit.check`` called in this process, what it is given, and how its tests read it."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from segkit import check
from tests.commands.in_process import call_main

Checked = tuple[int, str, str]
Command = Callable[..., Checked]


def check_in(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *given: str,
) -> Checked:
    """The command in the folder ``work``, its cache beside it: exit code, output, errors."""
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    monkeypatch.chdir(work)
    cache = f"dataset.cache_dir={tmp_path / 'cache'}"
    code = call_main(monkeypatch, cache, *given, module=check)
    said = capsys.readouterr()
    return code, said.out, said.err


def of(root: Path, *more: str) -> tuple[str, ...]:
    """Phantoms on disk; 20 % make six records of thirty."""
    shares = ("dataset.split.val=0.2", "dataset.split.test=0.2")
    return ("dataset=dsb2018", f"dataset.root={root}", *shares, *more)


def folder(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "work" / "outputs" / "check").glob("*/*")
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def image_of(root: Path, number: int) -> Path:
    name = f"phantom_{number:04d}"
    return root / name / "images" / f"{name}.png"
