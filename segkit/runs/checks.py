"""What a training may be configured with, before anything slow is imported."""

from segkit.config.checks import Config, check_values
from segkit.core.errors import SegkitError
from segkit.tasks.named import check_task


def check_training(config: Config) -> None:
    """Refuse values that no training takes, before anything slow is imported.

    Raises:
        SegkitError: with the key and what it may be.
    """
    for group, option in config["choices"].items():
        if option is None:  # a list of options leaves nothing but a mixture of their keys
            raise SegkitError(
                f"one option of {group} is needed, and one alone",
                where=f"{group}=",
                remedy=f"name it: {group}=NAME; add -m for a run with each of several",
            )
    check_values(config)
    check_task(config)
