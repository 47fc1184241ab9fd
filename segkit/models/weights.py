"""Encoder weights: from a file, or published ones from the hub that SMP names."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors.torch import load_file
from torch import Tensor, nn

from segkit.core.errors import SegkitError, did_you_mean
from segkit.core.home import at_home

_HUB_FILE = "model.safetensors"
_HUB_TIMEOUT = 3.0  # seconds: long enough for a slow network, short enough to wait for
_PATIENCE = 5.0  # seconds, names included, which a broken network looks up for much longer
# Where an encoder's tensors lie in the files people have: bare, in an SMP model, in a
# checkpoint of segkit, in one saved from DataParallel.
_PREFIXES = ("", "encoder.", "network.core.encoder.", "module.", "module.encoder.")

StateDict = dict[str, Tensor]


def load_encoder_weights(encoder: nn.Module, name: str, weights: str) -> None:
    """Load weights into an encoder.

    Args:
        encoder: as SMP built it, with as many input channels as the weights have.
        name: what SMP calls it; ``tu-<name>`` takes a file only, timm fetches by itself.
        weights: a published name, or the path of a ``.pth``, ``.ckpt`` or ``.safetensors`` file.

    Raises:
        SegkitError: no such name or file, no network, or tensors that do not fit the encoder.
    """
    published = smp.encoders.encoders.get(name, {}).get("pretrained_settings", {})
    path = at_home(weights, "model.encoder_weights")
    if weights in published:
        state = load_file(_fetch(published[weights], name, weights))
    elif path.is_file():
        state = read_state(path)
    else:
        raise SegkitError(
            f"neither published weights of {name} nor a file",
            where=f"model.encoder_weights={weights}",
            remedy=f"{did_you_mean(weights, published)} Or null for random weights, or the path "
            "of a file",
        )
    _load(encoder, _without_prefix(state, encoder), name, weights)


def automatic_weights(encoder: str) -> tuple[str | None, str]:
    """The published ImageNet weights of an encoder, where they can be had at once.

    They are in the cache of this machine, or the hub answers within five seconds and they are
    fetched; otherwise the encoder starts from random ones.

    Args:
        encoder: a name SMP knows, or ``tu-<name>`` for timm's.

    Returns:
        Their name or None, and in words what was chosen and why.
    """
    name, where = _published(encoder)
    if name is None:
        return None, f"random: none are published for {encoder}"
    if isinstance(try_to_load_from_cache(where[0], _HUB_FILE, revision=where[1]), str):
        return name, f"{name}, from the cache of this machine"
    if refused := _hub_refuses(encoder):
        remedy = "model.encoder_weights=FILE takes a file"
        return None, f"random: {name} is not on this machine, and {refused}; {remedy}"
    try:
        hf_hub_download(where[0], _HUB_FILE, revision=where[1])
    except Exception as error:  # whatever becomes of a download
        return None, f"random: {name} could not be fetched ({type(error).__name__})"
    return name, f"{name}, fetched from the hub"


def _published(encoder: str) -> tuple[str | None, tuple[str, str | None]]:
    """Name, repository and revision of an encoder's ImageNet weights."""
    if encoder.startswith("tu-"):
        known = timm.get_pretrained_cfg(encoder.removeprefix("tu-"))
        if known is None or not known.hf_hub_id:
            return None, ("", None)
        return "imagenet", (known.hf_hub_id, None)
    settings = smp.encoders.encoders.get(encoder, {}).get("pretrained_settings", {})
    named = sorted(name for name in settings if name.startswith("imagenet"))
    if not named:
        return None, ("", None)
    return named[0], (settings[named[0]]["repo_id"], settings[named[0]]["revision"])


def _hub_refuses(encoder: str) -> str:
    """Why the hub is not asked, or does not answer in time; nothing where it does."""
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    answered = threading.Event()

    def ask() -> None:
        with suppress(SegkitError):
            require_hub("model.encoder_weights=auto", encoder)
            answered.set()

    thread = threading.Thread(target=ask, name="hub", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return "" if answered.is_set() else "the hub does not answer"


def read_state(path: Path) -> StateDict:
    """Read the tensors of a file; nothing but tensors and plain containers is unpickled.

    Raises:
        SegkitError: the file holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
        for key in ("state_dict", "model"):
            if isinstance(loaded.get(key), dict):
                loaded = loaded[key]
        return {key: value for key, value in loaded.items() if isinstance(value, Tensor)}
    except Exception as error:
        raise SegkitError(
            "the weights cannot be read: a damaged file, or one that holds anything but named "
            "tensors",
            where=str(path),
            remedy="save them with torch.save(module.state_dict(), path) or as safetensors",
        ) from error


def _without_prefix(state: StateDict, encoder: nn.Module) -> StateDict:
    wanted = encoder.state_dict().keys()

    def strip(prefix: str) -> StateDict:
        return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}

    return max((strip(prefix) for prefix in _PREFIXES), key=lambda s: len(s.keys() & wanted))


def _load(encoder: nn.Module, state: StateDict, name: str, weights: str) -> None:
    wanted = encoder.state_dict()
    state = {k: _channels(v, wanted[k]) if k in wanted else v for k, v in state.items()}
    missing = [key for key in wanted if key not in state]
    other = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    # The counters of batch norm are absent from older files and change nothing here.
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or other:
        wrong = [*(f"{key} is missing" for key in missing), *(f"{key} differs" for key in other)]
        raise SegkitError(
            f"these are not weights of {name}: {len(wrong)} of {len(wanted)} tensors do not fit "
            f"({'; '.join(wrong[:3])})",
            where=f"model.encoder_weights={weights}",
            remedy="name the weights of this encoder, or set model.encoder to the one they are of",
        )
    fitting = {key: value for key, value in state.items() if key in wanted}
    encoder.load_state_dict(fitting, strict=False)


def _channels(weight: Tensor, wanted: Tensor) -> Tensor:
    """The first layer of weights for colour, for an encoder that was built for other channels."""
    shapes = (weight.shape[:1] + weight.shape[2:], wanted.shape[:1] + wanted.shape[2:])
    if weight.ndim == wanted.ndim == 4 and weight.shape[1] == 3 and shapes[0] == shapes[1]:
        adapted: Tensor = timm.models.adapt_input_conv(wanted.shape[1], weight)
        return adapted
    return weight


def _fetch(settings: dict[str, str], name: str, weights: str) -> str:
    repo, revision = settings["repo_id"], settings["revision"]
    try:
        return hf_hub_download(repo, _HUB_FILE, revision=revision, local_files_only=True)
    except (LocalEntryNotFoundError, EntryNotFoundError):
        require_hub(f"model.encoder_weights={weights}", name)
        return hf_hub_download(repo, _HUB_FILE, revision=revision)


def require_hub(where: str, name: str) -> None:
    """Make sure that the hub answers, so that nobody waits through a library's retries.

    Raises:
        SegkitError: it does not.
    """
    host = constants.ENDPOINT.split("://")[-1].split("/")[0]
    try:
        socket.create_connection((host, 443), timeout=_HUB_TIMEOUT).close()
    except OSError as error:
        raise SegkitError(
            f"the published weights of {name} are not on this machine, and {host} cannot be "
            f"reached ({error})",
            where=where,
            remedy="use a machine with a network once, or fetch the file by other means and name "
            "it: model.encoder_weights=PATH; null starts from random weights",
        ) from error
