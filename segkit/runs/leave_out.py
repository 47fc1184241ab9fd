"""``cv=leave_group``: as many runs as the data have strata, hospitals or whatever is left out."""

from copy import deepcopy
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from segkit.config.checks import check_data
from segkit.config.plain import resolved
from segkit.core.errors import SegkitError
from segkit.runs.build import build_data, build_reader
from segkit.runs.keep_apart import Refused
from segkit.runs.settled import settled

_FOLD = "dataset.split.fold"
_DATA = ("dataset.root", "dataset.reader")


class LeaveOut(Callback):
    """Sweeps over the folds of ``dataset.split.folds=each``, unless they are named."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the first job; the data are decoded into the cache, which all jobs share.

        Raises:
            Refused: something is wrong with the data, or they are not the same in all jobs.
        """
        del kwargs
        given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        if config.dataset.split.folds != "each" or _FOLD in {g.get_key_element() for g in given}:
            return
        # As Hydra does before each job, for names that are made of what was chosen; it locks them.
        HydraConfig.instance().set_config(deepcopy(config))
        try:
            count = _count(config, [str(g.input_line) for g in given if _sweeps_data(g)])
        except Exception as error:  # of which Hydra would only warn
            raise Refused from error
        with open_dict(config):
            params = dict(config.hydra.sweeper.get("params") or {})
            config.hydra.sweeper.params = {**params, _FOLD: f"range(0,{count})"}


def _sweeps_data(override: Override) -> bool:
    key = override.get_key_element()
    return override.is_sweep_override() and (key == "dataset" or key.startswith(_DATA))


def _count(composed: DictConfig, swept: list[str]) -> int:
    from segkit.data.split_units import fold_count

    if swept:
        raise SegkitError(
            "one data set is needed, whose groups are left out in turn",
            where=" ".join(swept),
            remedy="start a sweep for each",
        )
    if composed.dataset.split.file is not None:
        raise SegkitError(
            "a split that is read from a file leaves nothing out in turn",
            where=f"dataset.split.file={composed.dataset.split.file}",
            remedy="leave it out, or leave out cv=leave_group",
        )
    config = resolved(OmegaConf.masked_copy(composed, [str(k) for k in composed if k != "hydra"]))
    check_data(config)
    reader = build_reader(config)
    data = build_data(settled(config, reader), reader)
    data.prepare_data()
    return fold_count(data.records, data.split.group_by)
