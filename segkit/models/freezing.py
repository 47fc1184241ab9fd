"""An encoder that is not trained for some epochs, or at all."""

from torch import nn

from segkit.core.errors import SegkitError


def check_encoder(encoder: nn.Module | None, epochs: int) -> None:
    """Freeze for good what never thaws: processes agree before on what they exchange.

    Args:
        encoder: of the network, if it has one.
        epochs: for which it is not trained; -1 is all of them.

    Raises:
        SegkitError: there is none to freeze.
    """
    if epochs and encoder is None:
        raise SegkitError(
            "this network has no encoder that could be frozen",
            where=f"freeze_encoder={epochs}",
            remedy="set freeze_encoder=0, or choose a model with an encoder",
        )
    if epochs < 0 and encoder is not None:
        encoder.requires_grad_(False)


def freeze(encoder: nn.Module | None, epochs: int, epoch: int) -> None:
    """Freeze or thaw the encoder, as it is to be in this epoch."""
    if epochs and encoder is not None:
        frozen = epochs < 0 or epoch < epochs
        encoder.requires_grad_(not frozen)
        # Batch norm would keep moving its averages otherwise.
        encoder.train(not frozen)
