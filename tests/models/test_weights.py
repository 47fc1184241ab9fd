"""Encoder weights from files and from the hub, and what is refused."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file
from torch import Tensor, nn

from segkit.core.errors import SegkitError
from segkit.models import weights as weights_module
from segkit.models.smp import smp_network
from segkit.models.weights import automatic_weights, load_encoder_weights, read_state

State = dict[str, Tensor]
# A small encoder, its first tensor, and another encoder.
NAME, FIRST, OTHER = "mobilenet_v2", "features.0.0.weight", "mit_b0"


def encoder(name: str = NAME, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    built: nn.Module = smp.encoders.get_encoder(name, weights=None)
    return built


def saved(seed: int = 1) -> State:
    return {key: value.clone() for key, value in encoder(seed=seed).state_dict().items()}


def prefixed(prefix: str) -> State:
    others = {"decoder.weight": torch.zeros(3), "network.core.head.bias": torch.zeros(1)}
    return {f"{prefix}{key}": value for key, value in saved().items()} | others


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".pth", saved),
        (".pth", lambda: prefixed("encoder.")),
        (".ckpt", lambda: {"state_dict": prefixed("network.core.encoder."), "epoch": 3}),
        (".pth", lambda: {"model": prefixed("module.encoder.")}),
        (".safetensors", saved),
        (".safetensors", lambda: prefixed("encoder.")),
    ],
)
def test_weights_are_found_in_the_files_people_have(
    tmp_path: Path, suffix: str, content: Any
) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(content(), path)
    else:
        torch.save(content(), path)
    target = encoder(seed=2)
    load_encoder_weights(target, NAME, str(path))
    expected = saved()
    for key, value in target.state_dict().items():
        assert torch.equal(value, expected[key]), key


def test_weights_of_another_encoder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mobilenet.pth"
    torch.save(saved(), path)
    target = encoder(OTHER)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    with pytest.raises(SegkitError, match="these are not weights of mit_b0") as error:
        load_encoder_weights(target, OTHER, str(path))
    assert error.value.where == f"model.encoder_weights={path}"
    assert all(torch.equal(value, before[key]) for key, value in target.state_dict().items())


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    state = saved()
    state[FIRST] = state[FIRST][:, :1]
    path = tmp_path / "grey.pth"
    torch.save(state, path)
    with pytest.raises(SegkitError, match=rf"1 of \d+ tensors do not fit \({FIRST} differs\)"):
        load_encoder_weights(encoder(), NAME, str(path))


def test_the_counters_of_batch_norm_may_be_absent(tmp_path: Path) -> None:
    state = {key: value for key, value in saved().items() if "num_batches" not in key}
    path = tmp_path / "old.pth"
    torch.save(state, path)
    target = encoder(seed=2)
    load_encoder_weights(target, NAME, str(path))
    assert torch.equal(target.state_dict()[FIRST], state[FIRST])


class Intruder:
    """What a hostile file holds: unpickling it would run code."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def test_a_file_with_code_is_not_run(tmp_path: Path) -> None:
    mark, path = tmp_path / "executed", tmp_path / "hostile.pth"
    torch.save({"state_dict": saved(), "extra": Intruder(mark)}, path)
    with pytest.raises(SegkitError, match="holds anything but named tensors") as error:
        read_state(path)
    assert error.value.where == str(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists(), "the file is harmless, and the test proves nothing"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(b"not weights")
    with pytest.raises(SegkitError, match="cannot be read"):
        load_encoder_weights(encoder(), NAME, str(path))


def test_a_file_without_tensors_by_name(tmp_path: Path) -> None:
    path = tmp_path / "list.pth"
    torch.save([torch.zeros(2)], path)
    with pytest.raises(SegkitError, match="cannot be read"):
        read_state(path)


def test_an_unknown_name_names_near_misses() -> None:
    with pytest.raises(SegkitError, match="neither published weights") as error:
        load_encoder_weights(encoder(), NAME, "imagenets")
    assert "did you mean 'imagenet'?" in error.value.remedy


def test_published_weights_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: object, **kwargs: object) -> None:
        del args, kwargs
        raise OSError("Network is unreachable")

    def not_there(*args: object, **kwargs: object) -> str:
        del args
        assert kwargs["local_files_only"], "the hub was asked although it cannot be reached"
        raise LocalEntryNotFoundError("not in the cache")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    monkeypatch.setattr(weights_module, "hf_hub_download", not_there)
    with pytest.raises(SegkitError, match="cannot be reached") as error:
        load_encoder_weights(encoder(), NAME, "imagenet")
    assert error.value.where == "model.encoder_weights=imagenet"
    assert "model.encoder_weights=PATH" in error.value.remedy


def test_published_weights_from_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    save_file(saved(), path)
    monkeypatch.setattr(weights_module, "hf_hub_download", lambda *_, **__: str(path))
    target = encoder(seed=2)
    load_encoder_weights(target, NAME, "imagenet")
    assert torch.equal(target.state_dict()[FIRST], saved()[FIRST])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that answers, an empty cache, and what was fetched."""
    fetched: list[str] = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(weights_module, "require_hub", lambda *_: None)
    monkeypatch.setattr(weights_module, "try_to_load_from_cache", lambda *_, **__: None)

    def fetch(repo: str, *args: object, **kwargs: object) -> None:
        del args, kwargs
        fetched.append(repo)

    monkeypatch.setattr(weights_module, "hf_hub_download", fetch)
    return fetched


@pytest.mark.parametrize("name", [NAME, "tu-resnet10t", "efficientnet-b0"])
def test_published_weights_are_fetched_where_the_hub_answers(hub: list[str], name: str) -> None:
    assert automatic_weights(name) == ("imagenet", "imagenet, fetched from the hub")
    assert len(hub) == 1


def test_what_is_in_the_cache_is_not_fetched(
    hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_module, "try_to_load_from_cache", lambda *_, **__: "/a/file")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert automatic_weights(NAME) == ("imagenet", "imagenet, from the cache of this machine")
    assert hub == []


def test_random_ones_where_the_hub_does_not_answer(
    hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken network may look up a name for minutes; nobody waits for it."""
    held = threading.Event()
    monkeypatch.setattr(weights_module, "_PATIENCE", 0.05)
    monkeypatch.setattr(weights_module, "require_hub", lambda *_: held.wait())
    name, why = automatic_weights(NAME)
    held.set()
    assert (name, hub) == (None, [])
    assert why.startswith("random: imagenet is not on this machine")
    assert "the hub does not answer" in why
    assert "model.encoder_weights=FILE" in why


def test_random_ones_where_the_download_fails(
    hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        del args, kwargs
        raise ConnectionResetError

    assert not hub
    monkeypatch.setattr(weights_module, "hf_hub_download", broken)
    expected = "random: imagenet could not be fetched (ConnectionResetError)"
    assert automatic_weights(NAME) == (None, expected)


def test_random_ones_where_none_are_published(
    hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(smp.encoders.encoders, NAME, {"pretrained_settings": {"instagram": {}}})
    assert automatic_weights(NAME) == (None, f"random: none are published for {NAME}")
    assert not hub


def test_offline_nothing_is_asked(hub: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    network = smp_network(
        architecture=smp.Unet, encoder=NAME, encoder_weights="auto", in_channels=3, out_channels=1
    )
    assert network.found["encoder_weights"] is None
    assert "HF_HUB_OFFLINE is set" in network.chosen["encoder weights"]
    assert not hub
