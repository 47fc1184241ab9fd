"""A folder whose name would mean something to the shell or to Hydra is a folder like any other."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit import check, evaluate, predict, train
from segkit.core.quoting import escaped, quoted
from tests.commands.in_process import call_main
from tests.commands.mistakes import left, own

# In this process the warnings that the command sends to its log would be errors.
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated")

NAME = ' Müller 数据, it\'s [x] (2) a=b #{}&!@:~$HOME ${HOME} \\ "q" '


@pytest.fixture
def home(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of that name with the data in it, from which commands are started."""
    home = tmp_path / NAME
    shutil.copytree(data, home / "${oc.env:HOME} data")
    monkeypatch.chdir(home)
    return home


@pytest.mark.slow
def test_train_go_on_evaluate_and_predict(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, run = home / "${oc.env:HOME} data", home / "run 'x'"
    own_names = "dataset.classes=[background, it's (ü)]"
    before = left(root)
    places = (f"dataset.cache_dir={home / 'cache'}", f"hydra.run.dir={run}")
    given = [*own(root, own_names, *places)]
    given.remove("dataset=folder")
    assert call_main(monkeypatch, *given, module=train) == 0
    said = capsys.readouterr()
    assert "dataset=folder: images of your own" in said.err
    config = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    assert config["dataset"]["root"] == str(root).replace("${", "\\${")
    assert config["dataset"]["classes"] == ["background", "it's (ü)"]

    # What it says can be typed.
    (line,) = [each for each in said.out.splitlines() if "segkit.evaluate" in each]
    again = shlex.split(line.partition("python -m segkit.evaluate")[2])
    assert call_main(monkeypatch, *again, "trainer=cpu", "split=val", module=evaluate) == 0
    assert (run / "evaluation.csv").is_file()

    more = (f"resume={run}", "trainer.max_epochs=2")
    assert call_main(monkeypatch, *more, module=train) == 0
    assert len((run / "metrics.csv").read_text("utf-8").splitlines()) == 3

    output = home / "masks, [1]"
    asked = (f"run={run}", f"input={root / 'images'}", f"output={output}", "device=cpu")
    assert call_main(monkeypatch, *asked, module=predict) == 0
    assert len(list(output.glob("*.png"))) == 8

    # Nothing was written beside the folder, by whoever expands a $HOME, or to the data.
    assert {path.name for path in home.parent.iterdir()} == {"data", NAME}
    assert left(root) == before


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["~data", "2018", "a,b", "null", "'x'"])
def test_a_folder_of_data(
    data: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data.rename(tmp_path / name)
    typed = f"./{name}" if name in ("null", "~data") else name
    report = ("dataset.size=32", f"hydra.run.dir={name} report")
    assert call_main(monkeypatch, f"dataset.root={typed}", *report, module=check) == 0
    assert (tmp_path / f"{name} report" / "records.csv").is_file()


@pytest.mark.slow
def test_processes_are_started_with_them(home: Path, call: Any) -> None:
    """Two jobs of two processes each: through Hydra's sweeper and the Trainer's launcher."""
    root = home / "${oc.env:HOME} data"
    other = home / "b (2)"
    other.symlink_to(root)
    sweep = home / "sweep \"1\" 'x'"
    given = [*own(root, f"hydra.sweep.dir={sweep}", f"dataset.cache_dir={home / 'cache'}")]
    given[1] = f"dataset.root={quoted(escaped(str(root)))},{quoted(escaped(str(other)))}"
    given += ["dataset.split.val=0.3", "dataset.split.test=0.3"]
    given[given.index("trainer=cpu")] = "trainer=ddp_cpu"
    done = call("-m", *given, cwd=home)
    assert done.returncode == 0, done.stderr
    assert len(list(sweep.glob("*/summary.json"))) == 2
    assert re.search(r"compare: \S*python -m segkit\.compare '?sweep=", done.stdout)
    assert {path.name for path in home.parent.iterdir()} == {"data", NAME}
