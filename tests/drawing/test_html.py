"""Building blocks of pages: escaped, and complete in themselves."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import UndefinedError

from segkit.drawing import html
from segkit.drawing.html import Picture, Slide, Slides, Table

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


def part(name: str, *given: Any, **named: Any) -> Parsed:
    """What a page gets from a macro of parts.html."""
    parts = html._TEMPLATES.get_template("drawing/templates/parts.html").module
    return Parsed(getattr(parts, name)(*given, **named))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("table", Table([HOSTILE], [])),
        ("table", Table([], [[HOSTILE]])),
        ("picture", Picture(b"", HOSTILE)),
        ("picture", (b"", "", "png", HOSTILE)),
        ("facts", [[(HOSTILE, 1, "")]]),
        ("facts", [[("", HOSTILE, "")]]),
        ("facts", [[("", 1, HOSTILE)]]),
    ],
)
def test_words_are_never_markup(name: str, given: Any) -> None:
    parsed = part(name, *given)
    assert not parsed.named("script")
    values = [value for _, attributes in parsed.tags for value in attributes.values()]
    assert HOSTILE in (*values, *parsed.words)


def a_page(title: str) -> str:
    template = html._TEMPLATES.from_string(
        '{% extends "drawing/templates/page.html" %}{% block sections %}{{ title }}{% endblock %}'
    )
    return template.render(title=title, subtitle=title)


def test_a_title_is_escaped_wherever_it_stands() -> None:
    parsed = Parsed(a_page(HOSTILE))
    assert not parsed.named("script")
    # Window, heading, line beneath, and where the page says it.
    assert len([one for one in parsed.words if HOSTILE in one]) == 4


def test_a_page_names_nothing_outside_itself() -> None:
    page = a_page("a")
    assert not re.search(r"https?:|//|@import|url\(", page)
    assert [one["href"] for one in Parsed(page).named("link")] == ["data:,"]


def test_what_a_template_is_not_given_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        html.render("comparison/page.html", title="t", subtitle="s")


def test_no_template_takes_words_for_markup() -> None:
    templates = html._TEMPLATES.list_templates(extensions=["html"])
    assert {"audit/page.html", "comparison/page.html", "evaluation/report.html"} <= set(templates)
    for name in templates:
        source, _, _ = html._TEMPLATES.loader.get_source(html._TEMPLATES, name)  # type: ignore[union-attr]
        assert not re.search(r"\|\s*safe|autoescape|Markup", source), name


def test_labels_of_slides_are_escaped() -> None:
    parsed = part("slides", Slides([Slide(0, HOSTILE, b"")], HOSTILE, 0, {HOSTILE: 0}))
    assert len(parsed.named("script")) == 1  # the slider's own
    assert parsed.named("img")[0]["alt"] == HOSTILE


def slides(start: int, numbers: tuple[int, ...] = (0, 5, 10)) -> Parsed:
    pictures = [Slide(number, f"epoch {number}", bytes([number])) for number in numbers]
    return part("slides", Slides(pictures, "below", start, {"best": 5}))


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
    [image] = part("picture", *Picture(b"\x00\x01", "words", "jpeg")).named("img")
    assert image == {"alt": "words", "src": "data:image/jpeg;base64,AAE="}


def test_facts_stand_in_order_with_what_they_are_held_against() -> None:
    words = part("facts", [("dice", 0.5, "of 3"), ("best", 7, "")]).words
    assert [one for one in words if one.strip()] == ["dice", "0.5", "of 3", "best", "7"]


def test_only_numbers_stand_right() -> None:
    cells = part("table", *Table(["a"], [[1, 0.5, "1", True]])).named("td")
    assert [cell.get("class") for cell in cells] == ["number", "number", None, None]
