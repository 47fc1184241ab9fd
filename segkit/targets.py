"""What a ``_target_`` may lead to: an allow-list, by name and again by what the name led to."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.utils import get_object

from segkit.errors import SegkitError

ALLOWED = (
    "albumentations.",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.profilers.",
    "lightning.pytorch.strategies.",
    "lightning.pytorch.trainer.trainer.Trainer",
    "segkit.callbacks.",
    "segkit.data.",
    "segkit.losses.",
    "segkit.models.",
    "segkit.schedules.",
    "segkit.tensorboard.",
    "segmentation_models_pytorch.",
    "torch.nn.",
    "torch.optim.",
)
# Of what is not a class, these alone.
FUNCTIONS = ("segkit.models.smp.smp_network", "segkit.schedules.")


def check_targets(node: Any, allowed: Sequence[str]) -> None:
    """Refuse any ``_target_`` below ``node`` that is not allowed.

    A dotted name can wander through a module's imports to anything at all, so what it leads to
    must be defined in an allowed place too, and be a class or a function.

    Raises:
        SegkitError: with the target and how to allow one's own.
    """
    if isinstance(node, Mapping):
        if "_target_" in node:
            _check_target(str(node["_target_"]), tuple(allowed))
        for value in node.values():
            check_targets(value, allowed)
    elif isinstance(node, list | tuple):
        for value in node:
            check_targets(value, allowed)
    elif isinstance(node, str) and "${" in node:
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
    fits = home.startswith(allowed if inspect.isclass(found) else (*FUNCTIONS, *own))
    if not callable(found) or not fits:
        raise SegkitError(
            f"this target leads to {home}, which is not allowed",
            where=f"_target_={target}",
            remedy=remedy,
        )
