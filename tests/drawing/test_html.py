"""Building blocks of pages: escaped, and complete in themselves."""

import re
from html.parser import HTMLParser

import pytest

from segkit.drawing import html
from segkit.drawing.html import Slide

HOSTILE = "<script>alert('x')</script> & \"größe\""


class Parsed(HTMLParser):
    """Tags with their attributes, and all text, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(
    "part",
    [
        html.paragraph(HOSTILE),
        html.paragraph("x", kind=HOSTILE),
        html.section(HOSTILE),
        html.table([HOSTILE], [[HOSTILE]]),
        html.picture(b"", HOSTILE, identity=HOSTILE),
        html.preformatted(HOSTILE, summary=HOSTILE),
        html.facts([(HOSTILE, HOSTILE, HOSTILE)]),
    ],
)
def test_words_are_never_markup(part: html.Html) -> None:
    parsed = Parsed(part.text)
    assert not parsed.named("script")
    values = [value for _, attributes in parsed.tags for value in attributes.values()]
    assert HOSTILE in (*values, *parsed.words)


def test_a_title_is_escaped_wherever_it_stands() -> None:
    page = html.page(HOSTILE, HOSTILE, [])
    assert not Parsed(page).named("script")
    assert Parsed(page).words.count(HOSTILE) == 3  # window, heading, line beneath


def test_labels_of_slides_are_escaped() -> None:
    parsed = Parsed(
        html.slides([Slide(0, HOSTILE, b"")], HOSTILE, start=0, jumps={HOSTILE: 0}).text
    )
    assert len(parsed.named("script")) == 1  # the slider's own
    assert parsed.named("img")[0]["alt"] == HOSTILE


def slides(start: int, numbers: tuple[int, ...] = (0, 5, 10)) -> Parsed:
    pictures = [Slide(number, f"epoch {number}", bytes([number])) for number in numbers]
    return Parsed(html.slides(pictures, "below", start=start, jumps={"best": 5}).text)


@pytest.mark.parametrize(("start", "place"), [(0, 0), (5, 1), (10, 2), (7, 0)])
def test_one_slide_is_in_sight_before_any_script_runs(start: int, place: int) -> None:
    parsed = slides(start)
    seen = [k for k, one in enumerate(parsed.named("img")) if "hidden" not in one]
    assert seen == [place]
    [slider] = parsed.named("input")
    assert (slider["value"], slider["min"], slider["max"]) == (str(place), "0", "2")
    assert slider["type"] == "range"  # which browsers move by arrow keys


def test_a_button_leads_to_a_slide() -> None:
    assert slides(0).named("button") == [{"type": "button", "data-number": "5"}]


def test_pictures_lie_in_the_page() -> None:
    assert html.data_url(b"\x00\x01", "webp") == "data:image/webp;base64,AAE="
    [image] = Parsed(html.picture(b"\x00\x01", "words", kind="jpeg").text).named("img")
    assert image == {"alt": "words", "src": "data:image/jpeg;base64,AAE="}


def test_facts_stand_in_order_with_what_they_are_held_against() -> None:
    words = Parsed(html.facts([("dice", 0.5, "of 3"), ("best", 7, "")]).text).words
    assert words == ["dice", "0.5", "of 3", "best", "7"]


def test_only_numbers_stand_right() -> None:
    cells = Parsed(html.table(["a"], [[1, 0.5, "1", True, html.Html("<b>1</b>")]]).text).named("td")
    assert [cell.get("class") for cell in cells] == ["number", "number", None, None, None]


def test_html_is_not_escaped_twice() -> None:
    assert html.text(html.Html("<b>a &amp; b</b>")) == "<b>a &amp; b</b>"


def test_preformatted_text_can_be_folded_away() -> None:
    assert [tag for tag, _ in Parsed(html.preformatted("a", summary="b").text).tags] == [
        "details",
        "summary",
        "pre",
    ]
    assert [tag for tag, _ in Parsed(html.preformatted("a").text).tags] == ["pre"]


def test_a_page_names_nothing_outside_itself() -> None:
    page = html.page("a", "b", [html.section("c", html.paragraph("d"))])
    assert not re.search(r"https?:|//|@import|url\(", page)
    assert [one["href"] for one in Parsed(page).named("link")] == ["data:,"]
