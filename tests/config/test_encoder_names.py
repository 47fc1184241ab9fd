"""The list of encoders that is kept so that torch need not be imported."""

import segmentation_models_pytorch as smp

from segkit.config.encoder_names import SMP_ENCODERS


def test_the_list_is_the_librarys() -> None:
    assert set(smp.encoders.get_encoder_names()) == SMP_ENCODERS
