"""A run that was trained before the package was laid out anew still does all that a run does.

``run/`` was written by segkit as it was before its files went into folders: 24 synthetic images of
32 by 32 pixels, a U-Net of 994 parameters, four epochs. Its ``config.yaml`` names classes by the
names they had then. It lay in ``/data``, with its data beside it.
"""

import csv
import json
import shutil
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from segkit import compare, evaluate, export, predict, train
from segkit.core.moved_targets import today
from segkit.data.readers.phantom import write_phantoms
from segkit.runs import load_run
from tests.commands.in_process import call_main

FROZEN = Path(__file__).parent / "run"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, and the data it was trained on beside it."""
    monkeypatch.chdir(tmp_path)
    write_phantoms(tmp_path / "phantom" / "24x32-seed0", count=24, image_size=32, seed=0)
    folder = Path(shutil.copytree(FROZEN, tmp_path / "run"))
    config = folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("/data/", f"{tmp_path}/"), "utf-8")
    return folder


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a run is opened, and a network is built."""
    found: Counter[str] = Counter()

    def count(what: str, name: str) -> None:
        module, _, function = name.rpartition(".")
        itself = getattr(import_module(module), function)

        def counted(*given: Any, **named: Any) -> Any:
            found[what] += 1
            return itself(*given, **named)

        monkeypatch.setattr(name, counted)

    count("opened", "segkit.runs.saved.check_folder_config")
    count("built", "segkit.models.network.wrap")
    return found


def test_it_names_what_has_moved() -> None:
    """Else the tests below would show nothing."""
    text = (FROZEN / "config.yaml").read_text("utf-8")
    for name in ("segkit.losses.", "segkit.schedules.", "segkit.callbacks.", "segkit.data.phantom"):
        assert name in text


def test_it_is_scored_as_it_was(
    run: Path, times: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads((FROZEN / "summary.json").read_text("utf-8"))["test"]["all"]["dice"]
    assert call_main(monkeypatch, f"run={run}", module=evaluate) == 0
    with (run / "evaluation.csv").open(encoding="utf-8") as stream:
        found = {row["class"]: float(row["dice"]) for row in csv.DictReader(stream)}
    # Another machine's rounding may turn single pixels of these 32 by 32.
    assert found["all"] == pytest.approx(before, abs=0.01)
    assert times == {"opened": 1, "built": 1}


def test_it_predicts(
    run: Path, tmp_path: Path, times: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = next((tmp_path / "phantom").rglob("images/*.png"))
    given = (f"run={run}", f"input={image}", f"output={tmp_path / 'found'}")
    assert call_main(monkeypatch, *given, module=predict) == 0
    assert (tmp_path / "found" / image.name).is_file()
    assert times == {"opened": 1, "built": 1}
    assert load_run(run).classes == ("background", "nucleus")


def test_it_is_compared(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shutil.copytree(run, tmp_path / "other")
    text = (other / "config.yaml").read_text("utf-8")
    (other / "config.yaml").write_text(text.replace("lr: 0.03", "lr: 0.02"), "utf-8")
    given = (f"runs=[{run},{other}]", f"output={tmp_path / 'compared'}")
    assert call_main(monkeypatch, *given, module=compare) == 0
    assert (tmp_path / "compared" / "comparison.html").is_file()


def test_it_is_resumed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = (f"resume={run}", "trainer.max_epochs=5")
    assert call_main(monkeypatch, *given, module=train) == 0
    with (run / "metrics.csv").open(encoding="utf-8") as stream:
        epochs = [row["epoch"] for row in csv.DictReader(stream)]
    assert epochs == ["0", "1", "2", "3", "4"]
    config = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    assert config["loss"]["_target_"] == today("segkit.losses.CrossEntropyDice")
    assert call_main(monkeypatch, f"run={run}", module=evaluate) == 0


def test_the_command_that_began_it_resumes_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys that there were not then have the values that they stood for."""
    (run / "summary.json").unlink()
    given = yaml.safe_load((run / "config.yaml").read_text("utf-8"))["overrides"]
    again = (
        "dataset=phantom",
        *given,
        "resume=true",
        f"hydra.run.dir={run}",
        "trainer.max_epochs=5",
    )
    assert call_main(monkeypatch, *again, module=train) == 0, capsys.readouterr().err
    config = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    assert (config["task"], config["choices"]["task"]) == ("semantic", "semantic")
    assert len((run / "metrics.csv").read_text("utf-8").splitlines()) == 1 + 5


@pytest.mark.slow
def test_it_is_exported(run: Path, times: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call_main(monkeypatch, f"run={run}", "count=2", module=export) == 0
    assert (run / "model.onnx").is_file()
    assert times == {"opened": 1, "built": 1}
