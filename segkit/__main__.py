"""``python -m segkit``: which commands there are."""

import shlex
import sys
from collections.abc import Sequence

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.shell import command
from segkit.core.streams import speak_plainly

COMMANDS = {
    "check": "look a data set over before anyone trains on it",
    "train": "train a model, then test its best checkpoint",
    "evaluate": "score a split, or other data, with a saved run",
    "predict": "masks for images of any size",
    "compare": "runs side by side, and what can be concluded",
    "sweep": "search a configuration by training with many",
    "export": "an ONNX model that takes raw pixels",
    "benchmark": "how fast segkit is on this machine",
}


def main(arguments: Sequence[str]) -> int:
    """Say what there is, or how a command is called; the exit code."""
    speak_plainly()
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        rows = [f"  python -m segkit.{name:<10} {does}\n" for name, does in COMMANDS.items()]
        # All at once: a pager, or head, may have seen enough before the end.
        print(
            f"Trained, honestly measured segmentation models.\n\n{''.join(rows)}\n"
            f"Each has --help with examples. To begin: {command('train')}"
        )
        return 0
    name, *others = arguments
    known = name.removeprefix("segkit.")
    remedy = command(known, *others) if known in COMMANDS else did_you_mean(known, COMMANDS)
    error = SegkitError(
        "a command is a module of its own",
        where=shlex.join(["python", "-m", "segkit", *arguments]),
        remedy=remedy,
    )
    print(f"error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
