"""What runs are called in a comparison, and what makes two of them one configuration."""

from typing import Any

import pytest

from segkit.comparison.names import differing_keys, run_names


def config(**changes: Any) -> dict[str, Any]:
    """Of a run, as ``config.yaml`` has it: what was changed by dotted key."""
    found: dict[str, Any] = {
        "seed": 0,
        "max_megapixels": 1024,
        "choices": {"model": "unet_mnv2"},
        "dataset": {"root": "/a/set", "num_workers": 2, "cache_dir": "/a", "size": 64},
        "model": {"encoder": "resnet18"},
        "trainer": {"accelerator": "cpu", "max_epochs": 5, "enable_progress_bar": False},
        "callbacks": {"inference": {"input": None}, "interrupts": {"every_n_steps": 0}},
    }
    found["dataset"]["reader"] = {"root": "/a/set"}
    for key, value in changes.items():
        node, parts = found, key.split("__")
        for part in parts[:-1]:
            node = node.setdefault(part, {})
        node[parts[-1]] = value
    return found


def test_seeds_of_two_machines_are_one_configuration() -> None:
    other = config(
        seed=1,
        max_megapixels=4096,
        dataset__root="/b/set",
        dataset__reader__root="/b/set",
        dataset__cache_dir="/b",
        dataset__num_workers=8,
        trainer__accelerator="gpu",
        trainer__enable_progress_bar=True,
        callbacks__inference__input="new images",
        callbacks__interrupts__every_n_steps=500,
        callbacks__panels={"every_n_epochs": 5},
        logger={"csv": {"_target_": "lightning.pytorch.loggers.CSVLogger"}},
    )
    assert differing_keys([config(), other]) == {"seed": [0, 1]}


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("trainer__max_epochs", (5, 50)),
        ("trainer__devices", (1, 2)),
        ("trainer__max_time", (None, "00:00:10:00")),
        ("dataset__size", (64, 128)),
        ("callbacks__early_stopping", ({"patience": 5}, {"patience": 9})),
    ],
)
def test_what_decides_what_is_learnt_makes_two(key: str, values: tuple[Any, Any]) -> None:
    assert len(differing_keys([config(**{key: value}) for value in values])) == 1


def test_what_an_encoder_expects_is_part_of_its_name() -> None:
    """Training writes mean and std into its configuration: they are no choice of the user's."""
    first = config(model__encoder="resnet18", model__mean=[0.4], model__std=[0.2])
    second = config(model__encoder="tu-x", model__mean=[0.5], model__std=[0.2])
    varied = differing_keys([first, second, first])
    assert run_names(varied, 3) == ["encoder=resnet18", "encoder=tu-x", "encoder=resnet18"]
    # Runs of earlier versions have none.
    assert differing_keys([first, config()]) == {}
    # Given by hand, they are one.
    given = config(model__mean=[0.1], model__std=[0.2])
    assert list(differing_keys([first, given])) == ["model.mean"]


def test_a_task_is_named_without_the_keys_that_come_with_it() -> None:
    """Its decoder's settings, the score to go by, and what the other task does not have."""
    tasks = {
        "semantic": {"threshold": 0.5, "two_logits": False, "monitor": "val/dice"},
        "instance": {"threshold": "auto", "seed_threshold": 0.5, "monitor": "val/ap"},
    }
    runs = []
    for task, own in tasks.items():
        run = config(choices__task=task, schedule={"monitor": own["monitor"]}, optim={"lr": 0.01})
        runs.append({**run, "task": task, **own, "freeze_encoder": None})
    runs[1]["optim"], runs[1]["freeze_encoder"] = {"lr": 0.001}, 3
    differing = differing_keys(runs)
    assert run_names(differing, 2) == [
        "semantic, lr=0.01, None",
        "instance, lr=0.001, 3",
    ]
    # Of one task they are what differs.
    runs = [{**run, "task": "semantic", "choices": {}} for run in runs]
    assert set(differing_keys(runs)) >= {"threshold", "monitor", "two_logits"}


def test_a_run_from_before_there_were_tasks_is_a_semantic_one() -> None:
    old, new = config(), {**config(choices__task="semantic"), "task": "semantic"}
    assert differing_keys([old, new]) == {}
    objects = {**config(choices__task="instance"), "task": "instance"}
    assert run_names(differing_keys([old, objects]), 2) == ["semantic", "instance"]


def test_a_run_from_before_there_was_a_key_has_what_it_was_trained_by() -> None:
    new = config(
        callbacks__average={
            "_target_": "segkit.training.callbacks.average.AverageWeights",
            "decay": None,
        },
        dataset__intensity="stored",
        steps=500,
    )
    assert differing_keys([config(), new]) == {}
    new["dataset"]["intensity"] = "image"
    new["callbacks"]["average"]["decay"] = 0.99
    differing = differing_keys([config(), new])
    names = run_names(differing, 2)
    assert names == ["intensity=stored, decay=None", "intensity=image, decay=0.99"]


def test_a_key_that_repeats_another_is_not_told_twice() -> None:
    runs = [
        {**config(schedule={"monitor": name}, callbacks={"best": {"monitor": other}}), "monitor": m}
        for name, other, m in (("val/iou", "val/iou", "val/iou"), ("val/loss", "val/x", "val/loss"))
    ]
    assert set(differing_keys(runs)) == {"monitor", "callbacks.best.monitor"}
