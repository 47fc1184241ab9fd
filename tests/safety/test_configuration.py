"""A stranger's ``config.yaml``: no name in it leads to code, and no text in it is worked out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

COMMANDS = ("evaluate", "predict", "export", "train")
EVAL = "__import__('os').system('{command}')"
HUB = "import os\nos.system({command!r})\n\ndef net():\n    return None\n"
# Each would run the command, or something else of the sender's, if it were built.
TARGETS: dict[str, dict[str, Any]] = {
    "system": {"_target_": "os.system", "command": "{command}"},
    "posix": {"_target_": "posix.system", "command": "{command}"},
    "eval": {"_target_": "builtins.eval", "_args_": [EVAL]},
    "exec": {"_target_": "builtins.exec", "_args_": [EVAL]},
    "subprocess": {"_target_": "subprocess.run", "args": ["touch", "{mark}"]},
    "hub": {"_target_": "torch.hub.load", "_args_": ["{home}", "net"], "source": "local"},
    "load": {"_target_": "torch.load", "f": "{home}/x.pth", "weights_only": False},
    "method": {"_target_": "hydra.utils.get_method", "path": "os.system"},
    "instantiate": {
        "_target_": "hydra.utils.instantiate",
        "config": {"_target_": "os.system", "command": "{command}"},
    },
    "partial": {"_target_": "os.system", "_partial_": True, "command": "{command}"},
    "local": {"_target_": "payload.Net"},
    "wandering": {"_target_": "segkit.data.cache.os.system", "command": "{command}"},
    "torch": {"_target_": "torch.nn.modules.module.torch.hub.load", "_args_": ["{home}", "net"]},
    "list": {"_target_": ["os.system"], "command": "{command}"},
    "arguments": {
        "_target_": "torch.nn.Sequential",
        "_args_": [{"_target_": "os.system", "command": "{command}"}],
    },
    "not recursive": {
        "_target_": "torch.nn.Sequential",
        "_recursive_": False,
        "_args_": [[{"_target_": "os.system", "command": "{command}"}]],
    },
    "nested": {
        "_target_": "torch.nn.Conv2d",
        "in_channels": {"a": [{"b": {"_target_": "os.system", "command": "{command}"}}]},
    },
}


def places(*keys: str) -> pytest.MarkDecorator:
    """Each target in one of the places, and as a slow test in all of them."""
    return pytest.mark.parametrize(
        ("key", "node"),
        [
            pytest.param(key, node, id=f"{name} as {key}", marks=[] if quick else pytest.mark.slow)
            for number, (name, node) in enumerate(TARGETS.items())
            for place, key in enumerate(keys)
            for quick in [number % len(keys) == place]
        ],
    )


def filled(node: Any, stranger: Any) -> Any:
    if isinstance(node, dict):
        return {key: filled(value, stranger) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, stranger) for value in node]
    if isinstance(node, str):
        return node.format(command=stranger.command, mark=stranger.mark, home=stranger.home)
    return node


@pytest.fixture(autouse=True)
def modules(stranger: Any) -> None:
    """Python files in the current folder, which run the command when they are imported."""
    text = HUB.format(command=stranger.command)
    for name in ("hubconf.py", "payload.py"):
        (stranger.home / name).write_text(text, "utf-8")


def test_a_local_module_would_run(stranger: Any) -> None:
    with pytest.raises(AttributeError):
        __import__("payload").Net  # noqa: B018
    assert stranger.mark.exists()
    stranger.mark.unlink()


@places("model", "dataset.reader")
def test_what_any_command_builds(stranger: Any, key: str, node: Any) -> None:
    stranger.change(key, filled(node, stranger))
    for name in ("predict", "export"):
        stranger.refuses(name)


@places("loss", "optim", "schedule", "augment", "augment.transforms")
def test_what_evaluate_builds_besides(stranger: Any, key: str, node: Any) -> None:
    made = filled(node, stranger)
    stranger.change(key, [made] if key == "augment.transforms" else made)
    stranger.refuses("evaluate")


@places("callbacks.other", "callbacks.panels", "logger.other", "trainer.profiler", "trainer")
def test_what_is_built_to_go_on(stranger: Any, key: str, node: Any) -> None:
    made = filled(node, stranger)
    if key == "trainer":
        whole = yaml.safe_load((stranger.folder / "config.yaml").read_text("utf-8"))
        made = {**whole["trainer"], **made}
    stranger.change(key, made)
    stranger.refuses("train")


@pytest.mark.parametrize("node", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.slow
def test_what_evaluate_does_not_build(stranger: Any, node: Any) -> None:
    """Its Trainer, callbacks and loggers are not the run's."""
    for key in ("callbacks.other", "logger.other", "trainer"):
        stranger.change(key, filled(node, stranger))
    code, said = stranger.use("evaluate")
    assert code == 0, said


def test_a_folder_cannot_vouch_for_itself(stranger: Any) -> None:
    stranger.change("allow_targets", ["os.", "posix.", "payload."])
    stranger.change("model", {"_target_": "os.system", "command": stranger.command})
    for name in COMMANDS:
        assert "this target is not allowed" in stranger.refuses(name)


@pytest.mark.parametrize(
    ("key", "node"),
    [
        # It makes the folder and removes the metrics.csv in it.
        ("augment", {"_target_": "lightning.pytorch.loggers.csv_logs.ExperimentWriter"}),
        ("model", {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint"}),
        ("loss", {"_target_": "segkit.data.datamodule.pl.loggers.CSVLogger"}),
        ("model", {"_target_": "torch.nn.Conv2d", "a": {"_target_": "lightning.pytorch.Trainer"}}),
    ],
)
def test_what_writes_is_not_built_where_something_computes(
    stranger: Any, key: str, node: Any
) -> None:
    (stranger.home / "metrics.csv").write_text("precious", "utf-8")
    stranger.change(key, {**node, "log_dir": str(stranger.home)})
    assert "not allowed" in stranger.refuses("evaluate")
    assert (stranger.home / "metrics.csv").read_text("utf-8") == "precious"


@pytest.mark.parametrize(
    "node", [None, 3, "torch.nn.Identity", [], {}, {"_partial_": True}], ids=str
)
@pytest.mark.parametrize("key", ["model", "dataset.reader"])
def test_what_is_no_object_at_all(stranger: Any, key: str, node: Any) -> None:
    partial = {"_target_": "torch.nn.Identity", "_partial_": True}
    stranger.change(key, partial if node == {"_partial_": True} else node)
    assert key in stranger.refuses("predict")


@pytest.mark.parametrize(
    "text",
    [
        "model: !!python/object/apply:os.system ['{command}']",
        "model: !!python/object/new:os.system ['{command}']",
        "!!python/object/apply:subprocess.check_output [[touch, '{mark}']]",
        "model: !!python/name:os.system",
        "model: !!python/module:payload",
        "seed: !!set {{a, b}}",
        "a: &a [*a]\nb: 1",
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e]",
    ],
)
def test_yaml_that_is_not_plain(stranger: Any, text: str) -> None:
    path: Path = stranger.folder / "config.yaml"
    lines = [x for x in path.read_text("utf-8").splitlines() if not x.startswith("seed:")]
    spoilt = text.format(command=stranger.command, mark=stranger.mark)
    if not text.startswith("!!"):
        spoilt = "\n".join([*lines, spoilt])
    path.write_text(spoilt, "utf-8")
    for name in COMMANDS:
        assert "config.yaml" in stranger.refuses(name)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("overrides", ["${oc.env:SECRET}"]),
        ("choices", {"model": "${oc.env:SECRET}"}),
        ("dataset.name", "${oc.env:SECRET}"),
        ("dataset.root", "${oc.decode:${oc.env:SECRET}}"),
        ("monitor", "${hydra:runtime.cwd}"),
        ("run_dir", "${config_hash:}"),
        ("augment", {"_target_": "${oc.env:SECRET}"}),
        ("note", "before ${oc.env:SECRET} after"),
        ("seed", "${now:%Y}"),
    ],
)
def test_no_text_is_worked_out(
    stranger: Any, monkeypatch: pytest.MonkeyPatch, key: str, text: Any
) -> None:
    """The environment of whoever uses a run does not end up in its results."""
    monkeypatch.setenv("SECRET", "hunter2hunter2")
    stranger.change(key, text)
    for name in COMMANDS:
        said = stranger.refuses(name)
        assert "interpolation" in said
        assert "hunter2" not in said
    assert not any(b"hunter2" in p.read_bytes() for p in stranger.folder.rglob("*") if p.is_file())
