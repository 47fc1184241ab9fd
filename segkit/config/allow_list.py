"""What a ``_target_`` may lead to: an allow-list, by name and again by what the name led to."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.utils import get_object

from segkit.core.errors import SegkitError
from segkit.core.quoting import interpolates

_TRAINER = "lightning.pytorch.trainer.trainer.Trainer"
ALLOWED = (
    "albumentations.",
    "datetime.timedelta",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.profilers.",
    "lightning.pytorch.strategies.",
    _TRAINER,
    "segkit.data.",
    "segkit.models.",
    "segkit.search.pruning.",
    "segkit.tasks.instance.loss.",
    "segkit.tasks.losses.",
    "segkit.training.callbacks.",
    "segkit.training.schedules.",
    "segkit.training.tensorboard.",
    "segkit.training.trackers.",
    "segmentation_models_pytorch.",
    "torch.nn.",
    "torch.optim.",
)
# Of what is not a class, these alone.
FUNCTIONS = ("segkit.models.smp.smp_network", "segkit.training.schedules.")
# What SMP hands on to timm, which then opens a file or an address by ways of its own.
_LOADS = ("checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay")


def check_targets(node: Any, allowed: Sequence[str]) -> None:
    """Refuse any ``_target_`` below ``node`` that is not allowed.

    A dotted name can wander through a module's imports to anything at all, so what it leads to
    must be defined in the same allowed place, and be a class or a function.

    Raises:
        SegkitError: with the target and how to allow one's own.
    """
    if isinstance(node, Mapping):
        if "_target_" in node:
            _check_target(str(node["_target_"]), tuple(allowed))
            _check_arguments(node)
        for value in node.values():
            check_targets(value, allowed)
    elif isinstance(node, list | tuple):
        for value in node:
            check_targets(value, allowed)
    elif isinstance(node, str) and interpolates(node):
        # Resolved later, it could become a target that nobody has looked at.
        raise SegkitError(
            "an interpolation is left in the configuration",
            where=node,
            remedy="write the value itself",
        )


def _check_target(target: str, allowed: tuple[str, ...]) -> None:
    remedy = "use one of segkit's own; to run your own code, allow_targets=[your_package.]"
    if not target.startswith(allowed):
        raise SegkitError("this target is not allowed", where=f"_target_={target}", remedy=remedy)
    try:
        found = get_object(target)
    except Exception as error:
        raise SegkitError(
            f"there is no such class or function: {error}".splitlines()[0],
            where=f"_target_={target}",
            remedy="write the full dotted name",
        ) from error
    home = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    # Libraries hold functions that write and fetch files beside their classes, which do not.
    own = tuple(prefix for prefix in allowed if prefix not in ALLOWED)
    places = _homes(target, own) if inspect.isclass(found) else (*FUNCTIONS, *own)
    if not callable(found) or not home.startswith(places):
        raise SegkitError(
            f"this target leads to {home}, which is not allowed",
            where=f"_target_={target}",
            remedy=remedy,
        )


def _homes(target: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Where a class of this name may be defined.

    A data set's name that led to a logger would be built where no logger is expected.
    """
    if target.startswith(own):
        return (*ALLOWED, *own)
    family = tuple(prefix for prefix in ALLOWED if target.startswith(prefix))
    return (*family, *own, *((_TRAINER,) if "lightning.pytorch.Trainer" in family else ()))


def _check_arguments(node: Mapping[Any, Any]) -> None:
    for key in _LOADS:
        if node.get(key) is not None:
            raise SegkitError(
                f"{key} is not taken here: weights come from one place",
                where=f"{key}={node[key]}, of _target_={node['_target_']}",
                remedy="leave it out, and name a file of weights as model.encoder_weights=FILE",
            )
