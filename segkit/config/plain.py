"""A composed configuration as plain containers."""

from typing import Any

from omegaconf import DictConfig, OmegaConf


def resolved(config: DictConfig, *, complete: bool = True) -> dict[str, Any]:
    """With every interpolation resolved.

    Args:
        config: as composed.
        complete: whether a choice that is still owed (``???``) is an error.

    Raises:
        MissingMandatoryValue: a choice is still owed.
    """
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=complete)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def unresolved(node: DictConfig) -> dict[str, Any]:
    """Word for word: what was given on the command line may hold a ``${`` that means itself."""
    plain = OmegaConf.to_container(node, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
