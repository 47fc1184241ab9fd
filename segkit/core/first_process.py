"""Which of several processes writes files."""

import os


def is_first_process() -> bool:
    """Whether this is the process that writes files, as the launchers tell it.

    The Trainer knows only once it has started; the run folder is claimed before.
    """
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"  # torchrun's, which may number machines as it likes
    ranks = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
    return all(os.environ.get(name, "0") == "0" for name in ranks)
