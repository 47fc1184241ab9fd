"""The command line as Hydra takes it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra._internal.utils import get_args_parser

from segkit.runs import cli
from tests.commands.in_process import call_main


@pytest.mark.parametrize(
    "given",
    [
        ["dataset.root=DATA", "--cfg", "job"],
        ["--cfg", "job", "dataset.root=DATA", "seed=1"],
        ["seed=1", "dataset.root=DATA", "--config-dir=conf"],
        ["-m", "dataset.root=DATA", "seed=1,2"],
        ["+dataset.root=DATA", "--resolve", "--cfg", "job"],
    ],
)
def test_what_is_implied_stands_among_the_keys(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [each.replace("DATA", str(tmp_path)) for each in given]
    taken = cli.in_hydras_words(data, "train")
    parsed = get_args_parser().parse_args(taken)
    assert "dataset=folder" in parsed.overrides
    assert len(parsed.overrides) == 1 + sum("=" in each and each[:2] != "--" for each in given)
    shown = capsys.readouterr()
    assert shown.out == ""  # what is piped is the answer alone
    assert "dataset=folder: images of your own" in shown.err


@pytest.mark.parametrize(("verdict", "code"), [(True, 0), (False, 1), (None, 0), (0.0, 0)])
def test_a_command_that_says_no_ends_with_code_1(
    verdict: object, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A score of 0 is no verdict."""
    monkeypatch.chdir(tmp_path)
    command = SimpleNamespace(
        __name__="compare", main=lambda: cli.run(lambda *_: verdict, "compare")
    )
    assert call_main(monkeypatch, "runs=[a,b]", module=command) == code
