"""Which classes and functions a configuration may name, at any depth."""

from typing import Any

import pytest

from segkit.config.allow_list import ALLOWED, check_targets
from segkit.core.errors import SegkitError


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "segkitty.data.Reader",
        # Dotted names that wander through a module's own imports.
        "segkit.data.cache.shutil.rmtree",
        "segkit.data.cache.os.system",
        # Functions that write files.
        "segkit.data.download.fetch",
        "segkit.data.readers.phantom.write_phantoms",
        "segkit.data.cache.open_cache",
        "albumentations.save",
        "segmentation_models_pytorch.from_pretrained",
        "torch.nn.functional.relu",
        "torch.nn.modules.module.torch.load",
        "albumentations.core.serialization.json.loads",
    ],
)
def test_code_from_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(SegkitError, match=r"not allowed|no such class") as error:
        check_targets({"_target_": target}, ALLOWED)
    assert error.value.where == f"_target_={target}"


@pytest.mark.parametrize(
    "node",
    [
        {"a": {"b": [{"_target_": "os.system"}]}},
        {"_target_": "torch.nn.Linear", "extra": ({"_target_": "os.system"},)},
    ],
)
def test_targets_are_looked_for_at_any_depth(node: Any) -> None:
    with pytest.raises(SegkitError, match="not allowed"):
        check_targets(node, ALLOWED)


def test_a_name_that_leads_nowhere() -> None:
    with pytest.raises(SegkitError, match="no such class or function"):
        check_targets({"_target_": "torch.nn.Convolution"}, ALLOWED)
