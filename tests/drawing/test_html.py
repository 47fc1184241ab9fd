"""Building blocks of pages: escaped, and complete in themselves."""

import math
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
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
        ("picture", (b"", "", "png", False, HOSTILE)),
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
    assert len(parsed.named("script")) == 1  # the page's own
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
    assert not parsed.named("script")
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


def kinds(rows: list[list[object]]) -> list[str | None]:
    """Classes of the columns, which heading and cells share."""
    parsed = part("table", *Table(["a"] * len(rows[0]), rows))
    classes = [one.get("class") for one in (*parsed.named("th"), *parsed.named("td"))]
    wide = len(rows[0])
    assert classes == classes[:wide] * (1 + len(rows))
    return classes[:wide]


def test_columns_of_numbers_stand_right_with_their_headings() -> None:
    assert kinds([["a", 1, 0.5, "0.5 [0.1, 0.9]", True, "b"]]) == [
        "words",
        *["number"] * 3,
        None,
        "words",
    ]
    # What has no value stands where a value would.
    assert kinds([["0.9"], ["undefined"], [""]]) == ["number"]
    assert kinds([["baseline"], ["-0.022 [-0.031, -0.014]"]]) == ["number"]
    assert kinds([["1"], ["a"], ["b"]]) == ["words"]
    assert kinds([[""], [""]]) == ["words"]


def test_a_table_without_rows_has_its_headings() -> None:
    parsed = part("table", *Table(["a", "b"], []))
    assert len(parsed.named("th")) == 2
    assert not parsed.named("td")


NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (3, 3.0),
        (np.int64(3), 3.0),
        (0.25, 0.25),
        ("0.895 [0.869, 0.917]", 0.895),
        (f"0.7000 (0.5000{NO_BREAK}to{NO_BREAK}0.8000)", 0.7),
        (f"0.5000{NO_BREAK}to{NO_BREAK}0.8000", 0.5),
        ("-0.01", -0.01),
        ("+0.159 [+0.073, +0.244]", 0.159),
        ("1.2e-05", 1.2e-05),
        ("12.5%", 12.5),
        ("6.6 M", 6.6),
        ("3 × 5 folds", 3.0),
        ("03b9306f44e9", None),
        ("2026-11-26", None),
        ("64×64 (12)", None),
        ("3 objects overlap", None),
        ("undefined", None),
        ("", None),
        (None, None),
        (True, None),
        (math.nan, None),
        (math.inf, None),
    ],
)
def test_the_number_that_a_cell_is_sorted_by(cell: object, number: float | None) -> None:
    assert html.number_in(cell) == number
    (shown,) = part("table", *Table(["a"], [[cell]], sortable=True)).named("td")
    assert shown.get("data-sort") == (None if number is None else str(number))


def test_a_table_is_sorted_only_where_its_rows_are_alike() -> None:
    rows = [["a", 1], ["b", 2]]
    assert part("table", *Table(["x", "y"], rows)).named("table") == [{}]
    (sortable,) = part("table", *Table(["x", "y"], rows, sortable=True)).named("table")
    assert sortable == {"class": "sortable"}


def test_a_chart_takes_on_the_colours_of_the_page_and_images_keep_theirs() -> None:
    (chart,) = part("picture", *Picture(b"", "", chart=True)).named("figure")
    (sheet,) = part("picture", *Picture(b"", "")).named("figure")
    assert (chart["class"], sheet["class"]) == ("chart", "sheet")
    filtered = re.findall(r"([^{}]*)\{[^{}]*filter:", a_page("a"))
    assert [selector.split("*/")[-1].strip() for selector in filtered] == [".chart img"]


def test_a_page_is_dark_for_who_prefers_it() -> None:
    page = Parsed(a_page("a"))
    assert {"name": "color-scheme", "content": "light dark"} in page.named("meta")
    assert "@media (prefers-color-scheme: dark)" in a_page("a")


def test_every_colour_of_the_light_page_has_a_dark_one() -> None:
    light, dark = re.findall(r":root \{([^}]*)\}", a_page("a"))
    names = [set(re.findall(r"--\w+", part)) for part in (light, dark)]
    assert names[0] == names[1]
    # No colour stands outside of them.
    rest = a_page("a").replace(light, "").replace(dark, "")
    assert not re.search(r"#[0-9a-f]{3,6}\b", rest.split("</style>")[0])
