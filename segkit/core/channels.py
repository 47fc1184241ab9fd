"""Which channels of an image a network is given: how many, or which ones."""

from typing import Any

# A number is that many channels, all of the image's; several numbers are places among them.
Channels = int | tuple[int, ...]


def channels_of(value: Any) -> Channels:
    """``dataset.channels`` as it stands in a run's configuration: a number, or a list.

    Raises:
        ValueError: ``auto``, which :mod:`segkit.runs.settled` settles first.
    """
    if value == "auto":
        raise ValueError("dataset.channels=auto is not settled")
    return value if isinstance(value, int) else tuple(value)


def channel_count(channels: Any) -> int:
    """How many channels the network is given."""
    return channels if isinstance(channels, int) else len(channels)
