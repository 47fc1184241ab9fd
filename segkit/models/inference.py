"""A network that only answers: batch norms folded into convolutions, weights rounded once."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Of the largest logit: a hundred layers round it by some 1e-5 in float32, 1e-3 in a GPU's TF32.
_TOLERANCE = 1e-2


def for_inference(network: nn.Module, image_BCHW: Tensor, precision: str) -> nn.Module:
    """A copy that answers faster.

    Args:
        network: in evaluation mode; left as it is.
        image_BCHW: what the network takes, on its device.
        precision: ``bf16-mixed`` or ``32-true``, which it will be run in.
    """
    ready = fold_batch_norms(network, image_BCHW)
    if precision == "bf16-mixed":
        # What autocast does with these weights anew for each image, done once: the same numbers.
        for module in ready.modules():
            # Not a subclass, which may compute with its weight before.
            if type(module) in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
                module.to(torch.bfloat16)
    return ready


def fold_batch_norms(network: nn.Module, image_BCHW: Tensor) -> nn.Module:
    """A copy whose batch norms are part of the convolutions that feed them, where they can be.

    In evaluation a batch norm is a factor and an offset for each channel, which the weights and
    the bias of the convolution before it can take over (Jacob et al. 2018, section 3.2): the same
    function with one pass over memory less. Which convolution feeds which norm is seen by running
    the network once; that the copy computes the same, by running both.

    Args:
        network: in evaluation mode; left as it is.
        image_BCHW: what the network takes, on its device.

    Returns:
        The folded copy, or a plain one where folding would change the answer by more than 1 %
        of its largest value, as where something else looks at what the convolution gave.
    """
    ready = deepcopy(network)
    with torch.no_grad():
        expected, pairs = _run(ready, image_BCHW)
        for convolution, norm in pairs:
            fused = fuse_conv_bn_eval(convolution, norm)
            # In place, and wherever the norm is kept: encoders list their layers more than once.
            convolution.weight, convolution.bias = fused.weight, fused.bias
            _replace(ready, norm, nn.Identity())
        bound = _TOLERANCE * float(expected.abs().max())
        same = torch.allclose(ready(image_BCHW), expected, rtol=0.0, atol=bound)
    return ready if same else deepcopy(network)


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in list(module._modules.items()):
            if child is old:
                setattr(module, name, new)


def _run(
    network: nn.Module, image_BCHW: Tensor
) -> tuple[Tensor, list[tuple[nn.Conv2d, nn.BatchNorm2d]]]:
    """The answer; convolutions, and the norms given their very output; each was called once."""
    outputs: dict[nn.Conv2d, list[tuple[Tensor, int]]] = {}
    inputs: dict[nn.BatchNorm2d, list[tuple[Tensor, int]]] = {}

    # With their versions: an activation in place gives back the same tensor, changed.
    def keep_output(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        outputs.setdefault(module, []).append((output, output._version))

    def keep_input(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        inputs.setdefault(module, []).append((given[0], given[0]._version))

    hooks = []
    for module in network.modules():
        # Not a subclass, which may do more.
        if type(module) is nn.Conv2d:
            hooks.append(module.register_forward_hook(keep_output))
        elif type(module) is nn.BatchNorm2d and module.running_mean is not None:
            hooks.append(module.register_forward_pre_hook(keep_input))
    answer: Tensor = network(image_BCHW)
    for hook in hooks:
        hook.remove()
    # All tensors are held, so that no two have one id.
    feeds = {
        (id(seen[0][0]), seen[0][1]): module for module, seen in outputs.items() if len(seen) == 1
    }
    pairs = []
    for norm, seen in inputs.items():
        convolution = feeds.get((id(seen[0][0]), seen[0][1]))
        if len(seen) == 1 and convolution is not None:
            pairs.append((convolution, norm))
    return answer, pairs
