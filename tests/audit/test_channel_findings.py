"""What check says of channels, and of images in which the network would see nothing."""

from segkit.audit.channel_findings import of_channels
from segkit.audit.measure import Facts
from segkit.imaging.layout import Layout
from tests.audit.test_findings import fact, told


def test_where_all_is_well_nothing_is_said() -> None:
    assert told(of_channels([fact("a", given=(True, True)), fact("b", given=(True, True))])) == []
    assert told(of_channels([fact("a"), fact("b")])) == []  # nobody asked


def test_one_image_that_is_blank_to_the_network() -> None:
    found = told(of_channels([fact("a", given=(True,)), fact("b", given=(False,))]))
    assert found == [("warning", "images that are blank to the network", "b.png")]


def test_nothing_to_see_at_all_is_an_error() -> None:
    kinds = {k: s for s, k, _ in told(of_channels([fact("a", given=(False, False))] * 2))}
    assert kinds["nothing to see"] == "error"
    black = [fact("a", given=(False,), high=(0.0,))]  # blank in the file, too
    assert [kind for _, kind, _ in told(of_channels(black))] == ["nothing to see"]


def test_a_channel_that_is_blank_in_every_image_is_named() -> None:
    facts = [fact("a", given=(True, False, True)), fact("b", given=(True, False, False))]
    (found,) = of_channels(facts)
    assert found.kind == "blank channels"
    assert ": 1 is the same everywhere" in found.what


def test_images_of_other_channels_than_most_are_named() -> None:
    facts = [fact("a", channels=3), fact("b", channels=1), fact("c", channels=3)]
    (found,) = of_channels(facts)
    assert told([found]) == [("warning", "mixed channels", "b.png")]
    assert found.what == "1 of them, where most images have 3"


def named(name: str, *channels: str, count: int = 0) -> Facts:
    return fact(name, channels=count or len(channels), layout=Layout("CYX", channels))


def test_images_that_name_their_channels_otherwise() -> None:
    usual = [named(name, "DAPI", "GFP") for name in "abc"]
    assert told(of_channels([*usual, named("d", count=2)])) == []  # which says nothing
    (found,) = of_channels([named("x", "GFP", "DAPI"), *usual])
    assert told([found]) == [("warning", "channels in another order", "x.png")]
    assert found.what == "GFP, DAPI, where most images have DAPI, GFP"
    found_more = told(of_channels([*usual, named("x", "DAPI", "Cy5"), named("y", "A", "B", "C")]))
    assert found_more == [
        ("warning", "mixed channels", "y.png"),
        ("warning", "channels of other names", "x.png"),
    ]
