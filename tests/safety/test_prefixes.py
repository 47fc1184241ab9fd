"""A prefix that was given as a text would allow whatever begins with one of its letters."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import segkit
from segkit import benchmark, check, compare, evaluate, export, predict, sweep, train
from segkit.core.errors import SegkitError
from tests.commands.in_process import call_main
from tests.frozen.test_frozen_run import FROZEN

GIVEN = "allow_targets=our_package."
RUN = "run"  # beside the folder that is worked in


@pytest.fixture(autouse=True)
def _beside_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (RUN, "other"):
        shutil.copytree(FROZEN, tmp_path / name)


@pytest.mark.parametrize(
    "way",
    [
        lambda: segkit.fit([GIVEN, "dataset=folder", "dataset.root=nowhere"]),
        lambda: segkit.fit([GIVEN, f"resume={RUN}"]),
        lambda: segkit.fit([GIVEN, "resume=true", f"hydra.run.dir={RUN}"]),
        lambda: segkit.score(RUN, overrides=[GIVEN]),
        lambda: segkit.open_data("phantom", [GIVEN]),
        lambda: segkit.load_run(RUN, "our_package."),
        lambda: segkit.compare_runs([RUN, "other"], allow_targets="our_package."),
    ],
    ids=["fit", "resume", "resume=true", "score", "open_data", "load_run", "compare_runs"],
)
def test_from_python(way: Callable[[], Any]) -> None:
    with pytest.raises(SegkitError, match=r"allow_targets cannot be 'our_package\.'"):
        way()


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (train, ("dataset=folder", "dataset.root=nowhere")),
        (train, (f"resume={RUN}",)),
        (sweep, ("study=s",)),
        (benchmark, ("dataset=folder", "dataset.root=nowhere")),
        (check, ()),
        (evaluate, (f"run={RUN}",)),
        (export, (f"run={RUN}",)),
        (predict, (f"run={RUN}", "input=x.png", "output=found")),
        (compare, (f"runs=[{RUN},other]",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value.__name__,
)
def test_from_the_command_line(
    module: Any,
    given: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call_main(monkeypatch, *given, GIVEN, module=module) == 2
    assert "allow_targets cannot be 'our_package.'" in capsys.readouterr().err
