"""A network that only answers: batch norms folded into convolutions, weights rounded once."""

import weakref
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

# Of the largest logit: a hundred layers round it by some 1e-5 in float32, 1e-3 in a GPU's TF32.
_TOLERANCE = 1e-2
Pair = tuple[nn.Conv2d, nn.BatchNorm2d]


def for_inference(network: nn.Module, image_BCHW: Tensor, precision: str) -> nn.Module:
    """The same function, answered faster.

    Args:
        network: in evaluation mode; left as it is.
        image_BCHW: what the network takes, float in 0…255, on its device.
        precision: ``bf16-mixed`` or ``32-true``, which it will be run in.

    Returns:
        A copy, (B, C, H, W) to (B, K, H, W) like the network; or the network itself.
    """
    ready = fold_batch_norms(network, image_BCHW)
    if precision == "bf16-mixed":
        ready = deepcopy(network) if ready is network else ready
        # What autocast would do with these weights anew for each image: the same numbers.
        for module in ready.modules():
            # Not a subclass, which may compute with its weight before.
            if type(module) in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
                module.to(torch.bfloat16)
    return ready


def mixes_images(network: nn.Module) -> bool:
    """Whether an image's answer depends on the others of its batch."""
    return any(
        isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None
        for module in network.modules()
    )


def fold_batch_norms(network: nn.Module, image_BCHW: Tensor) -> nn.Module:
    """A copy whose batch norms are part of the convolutions that feed them, where they can be.

    In evaluation a batch norm is a factor and an offset for each channel, which the weights and
    the bias of the convolution before it can take over (Jacob et al. 2018, section 3.2): the same
    function with one pass over memory less. Which convolution feeds which norm, and nothing
    else, is seen by running the network once; that the copy computes the same, by running both.

    Args:
        network: in evaluation mode; left as it is.
        image_BCHW: what the network takes, on its device.

    Returns:
        The folded copy; the network itself where it cannot be copied or does not take this
        image, or where folding would change the answer by more than 1 % of its largest value.
    """
    try:
        with torch.inference_mode(False), torch.no_grad():
            return _folded(network, image_BCHW)
    except Exception:  # it saves time; what is wrong with the network shows when it is used
        return network


def _folded(network: nn.Module, image_BCHW: Tensor) -> nn.Module:
    ready = deepcopy(network)
    expected, pairs = _run(ready, image_BCHW)
    for convolution, norm in pairs:
        fused = fuse_conv_bn_eval(convolution, norm)
        # In place, and wherever the norm is kept: encoders list their layers more than once.
        convolution.weight, convolution.bias = fused.weight, fused.bias
        _replace(ready, norm, nn.Identity())
    bound = _TOLERANCE * float(expected.abs().max())
    same = torch.allclose(ready(image_BCHW), expected, rtol=0.0, atol=bound)
    return ready if same else network


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in list(module._modules.items()):
            if child is old:
                setattr(module, name, new)


def _run(network: nn.Module, image_BCHW: Tensor) -> tuple[Tensor, list[Pair]]:
    """The answer, and which convolutions' outputs are read by a norm and by nothing else."""
    readers = _Readers()
    hooks = []
    for module in network.modules():
        # Not a subclass, which may do more; nor one whose hooks do, such as a spectral norm's.
        if module.training or module._forward_hooks or module._forward_pre_hooks:
            continue
        if type(module) is nn.Conv2d:
            hooks.append(module.register_forward_hook(readers.gave))
        elif type(module) is nn.BatchNorm2d and module.running_mean is not None:
            hooks.append(module.register_forward_pre_hook(readers.enter, with_kwargs=True))
            hooks.append(module.register_forward_hook(readers.leave))
    try:
        with readers:
            answer: Tensor = network(image_BCHW)
    finally:
        for hook in hooks:
            hook.remove()
    return answer, readers.pairs()


class _Readers(TorchFunctionMode):
    """Sees every function of torch that is given what a convolution gave."""

    def __init__(self) -> None:
        super().__init__()
        # By id, with a weak reference: what has been freed may share its id with a later tensor.
        self._outputs: dict[int, tuple[weakref.ref[Tensor], nn.Conv2d]] = {}
        self._calls: dict[nn.Module, int] = {}
        self._norms: dict[nn.Conv2d, set[nn.BatchNorm2d]] = {}
        self._read_otherwise: set[nn.Conv2d] = set()
        self._inside: nn.BatchNorm2d | None = None

    def gave(self, module: nn.Module, _: Any, output: Tensor) -> None:
        """A convolution has answered."""
        assert isinstance(module, nn.Conv2d)
        self._calls[module] = self._calls.get(module, 0) + 1
        self._outputs[id(output)] = (weakref.ref(output), module)

    def enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """A norm is about to be run."""
        del args, kwargs
        assert isinstance(module, nn.BatchNorm2d)
        self._calls[module] = self._calls.get(module, 0) + 1
        self._inside = module

    def leave(self, *_: Any) -> None:
        """The norm has answered."""
        self._inside = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        for value in tree_leaves((args, kwargs)):
            reference, convolution = self._outputs.get(id(value), (None, None))
            if reference is None or reference() is not value or convolution is None:
                continue
            if self._inside is None:
                self._read_otherwise.add(convolution)
            else:
                self._norms.setdefault(convolution, set()).add(self._inside)
        return func(*args, **(kwargs or {}))

    def pairs(self) -> list[Pair]:
        """Convolutions and the norms that alone read them; each was run once."""
        return [
            (convolution, norm)
            for convolution, norms in self._norms.items()
            if len(norms) == 1 and convolution not in self._read_otherwise
            for norm in norms
            if self._calls[convolution] == self._calls[norm] == 1
        ]
