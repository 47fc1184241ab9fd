"""From the command line to the configuration: paths and names arrive as they were typed."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from segkit.config.literal import own_data, split, take_literally
from segkit.core.errors import SegkitError
from tests.conf.configurations import CONF
from tests.config.odd_names import ANY, NAMES

PARSER = OverridesParser.create()
COMMANDS = {
    "train": (
        *("dataset.root", "dataset.manifest", "dataset.cache_dir", "dataset.split.file", "resume"),
        *("dataset.group_pattern", "model.encoder_weights", "callbacks.inference.input"),
    ),
    "check": ("dataset.root", "dataset.manifest", "dataset.cache_dir", "dataset.split.file"),
    "sweep": ("dataset.root", "dataset.cache_dir", "model.encoder_weights", "storage"),
    "benchmark": ("dataset.root", "dataset.cache_dir", "model.encoder_weights"),
    "evaluate": ("run", "dataset.root", "dataset.cache_dir"),
    "predict": ("run", "input", "output"),
    "export": ("run", "output"),
    "compare": ("folder", "runs", "output", "baseline"),
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def composed(command: str, *arguments: str) -> Any:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose(command, take_literally(arguments, command, sweeping=False))


def value(argument: str, *, sweeping: bool = False) -> Any:
    (taken,) = take_literally([argument], "train", sweeping=sweeping)
    return PARSER.parse_override(taken).value()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_path_arrives_as_it_was_typed(command: str) -> None:
    keys = COMMANDS[command]
    chosen = ["dataset=folder"] if "dataset.root" in keys else []
    Path("[x]").mkdir()  # of keys that take a list, it would be one
    for start in range(0, len(NAMES), len(keys)):
        # Several in one composition, which takes its time.
        names = dict(zip(keys, NAMES[start:], strict=False))
        config = composed(command, *chosen, *(f"{key}={name}" for key, name in names.items()))
        for key, name in names.items():
            assert OmegaConf.select(config, key) == name


@settings(deadline=None)
@given(st.sampled_from(sorted({k for keys in COMMANDS.values() for k in keys})), ANY)
def test_any_text_does(key: str, text: str) -> None:
    meant = text[:1] in ("'", '"', "[") or text in ("", "null", "true", "false")
    if meant or "," in text:
        text = f"./{text.replace(',', ';')}"
    assume(not text.startswith("./~"))
    read = OmegaConf.create({"key": value(f"{key}={text}")})
    assert read.key == text
    assert take_literally(once := take_literally([f"{key}={text}"], "x", sweeping=False), "x",
                          sweeping=False) == once  # fmt: skip


def test_classes_are_names_whatever_is_in_them() -> None:
    config = composed("train", "dataset=folder", "dataset.classes=[background, it's (ü), '1,2', 3]")
    assert list(config.dataset.classes) == ["background", "it's (ü)", "1,2", "3"]


def test_what_hydras_grammar_is_meant_by() -> None:
    assert value("run=[A B,'C,D',\"E\"]") == ["A B", "C,D", "E"]
    assert value("runs=[]") == []
    assert value("dataset.root='a b'") == "a b"
    assert value('+dataset.root="a b"') == "a b"
    assert value("dataset.root=null") is None
    assert value("resume=true") is True
    assert value("output=true") == "true"
    # Keys that hold no path are Hydra's.
    assert value("dataset.size=[32,64]") == [32, 64]


def test_a_file_of_that_very_name_is_meant_first() -> None:
    for name in ("[A,B]", "'x'", "a,b"):
        Path(name).mkdir()
        assert value(f"run={name}") == name
        assert value(f"dataset.root={name}", sweeping=True) == name


def test_hydras_own_folders() -> None:
    assert value("hydra.run.dir=~/runs (1)") == f"{Path.home()}/runs (1)"
    assert value("hydra.run.dir=runs/${seed}-${now:%Y}") == "runs/${seed}-${now:%Y}"
    assert value("hydra.run.dir=a\\${HOME}") == "a\\\\\\${HOME}"
    for key in ("hydra.sweep.dir", "dataset.cache_dir"):
        assert value(f"{key}=a,b", sweeping=True) == "a,b"


def test_a_tilde_that_is_no_home_folder() -> None:
    assert value("dataset.root=~/x") == "~/x"
    assert value("dataset.root=./~x") == f"{Path.cwd()}/~x"


def jobs(argument: str) -> list[str]:
    (taken,) = take_literally([argument], "train", sweeping=True)
    sweep = PARSER.parse_override(taken)
    assert sweep.is_sweep_override()
    texts = sweep.sweep_string_iterator()
    return [str(PARSER.parse_override(f"k={each}").value()) for each in texts]


def test_a_sweep_over_paths() -> None:
    assert jobs("dataset.root=Müller/a, it's,'c,d'") == ["Müller/a", "it's", "c,d"]
    assert jobs("dataset.root=choice(a,b)") == ["a", "b"]
    assert value("dataset.root=data(2)", sweeping=True) == "data(2)"


@pytest.mark.parametrize(
    ("command", "argument", "fix"),
    [
        ("compare", "runs=a a,b", "'runs=[a a,b]'"),
        ("predict", "input=b,*.png", "'input=[b,*.png]'"),
        ("train", "dataset.root=a a,b", "-m seed=1 'dataset.root=a a,b'"),
    ],
)
def test_several_paths_are_answered_by_the_command_to_type(
    command: str, argument: str, fix: str
) -> None:
    for name in ("a a", "b"):
        Path(name).mkdir()
    with pytest.raises(SegkitError, match="several paths") as error:
        take_literally(["seed=1", argument, "k=v"], command, sweeping=False)
    assert fix in error.value.remedy
    again = shlex.split(error.value.remedy.partition(": ")[2])
    assert again[1:3] == ["-m", f"segkit.{command}"]
    taken = take_literally(again[3:], command, sweeping="-m" in again)
    assert all(PARSER.parse_override(each) for each in taken if each != "-m")


def test_one_that_is_not_there_is_one_path() -> None:
    assert value("dataset.root=a,b") == "a,b"
    assert value("output=a,b") == "a,b"


def test_what_is_not_utf_8_is_refused() -> None:
    with pytest.raises(SegkitError, match="not UTF-8") as error:
        take_literally(["dataset.root=a\udcffb"], "train", sweeping=False)
    assert error.value.where == "dataset.root=a\\udcffb"


def test_split() -> None:
    assert split("a, b ,c") == ["a", "b", "c"]
    assert split("a[1,2],(b,c),'d,e'") == ["a[1,2]", "(b,c)", "'d,e'"]
    assert split("a[1,b") == ["a[1", "b"]
    assert split("it's,that's") == ["it's", "that's"]
    assert split("['a]', b]") == ["['a]', b]"]
    assert split(" ") == []


def test_a_root_alone_is_ones_own_folder() -> None:
    for command in ("train", "check", "sweep", "benchmark"):
        assert own_data(["dataset.root=x", "seed=1"], command) == "dataset=folder"
        assert own_data(["-m", "dataset.root=x,y"], command) == "dataset=folder"
    assert own_data(["dataset.root=x", "resume=true", "hydra.run.dir=y"], "train") != ""
    for arguments in (
        ["seed=1"],
        ["dataset.root=null"],
        ["dataset.root=x", "dataset=dsb2018"],
        ["dataset.root=x", "experiment=lgg_mri_128"],
        ["dataset.root=x", "resume=outputs/x"],
        ["dataset.root=x", "--config-name", "mine"],
        ["dataset.root=x", "--config-name=mine"],
    ):
        assert own_data(list(arguments), "train") == ""
    assert own_data(["run=x", "dataset.root=y"], "evaluate") == ""


@pytest.mark.parametrize("key", ["dataset.root", "input", "output", "run", "model.encoder_weights"])
def test_an_empty_path_is_none(key: str) -> None:
    """What ``dataset.root=$UNSET`` gives."""
    with pytest.raises(SegkitError, match="is empty") as error:
        take_literally([f"{key}="], "train", sweeping=False)
    assert f"{key}=PATH" in error.value.remedy
