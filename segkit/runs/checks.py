"""What a training may be configured with, before anything slow is imported."""

from segkit.config.checks import Config, check_values
from segkit.config.keys import key_of
from segkit.core.errors import SegkitError
from segkit.tasks.named import check_task


def check_training(config: Config) -> None:
    """Refuse values that no training takes, before anything slow is imported.

    Raises:
        SegkitError: with the key and what it may be.
    """
    lists = [key_of(each) for each in config.get("overrides") or () if "=[" in each]
    for group, option in config["choices"].items():
        # A list of options leaves nothing but a mixture of their keys.
        if option is None and group in lists:
            raise SegkitError(
                f"one option of {group} is needed, and one alone",
                where=f"{group}=",
                remedy=f"name it: {group}=NAME; add -m for a run with each of several",
            )
    check_values(config)
    check_task(config)
