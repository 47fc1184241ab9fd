"""Write docs/api.md: what ``import segkit`` offers, from its docstrings.

python -m docs.generate.api

The source is read, not imported: signatures stand as they were written, and nothing loads torch.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from docs.generate.templates import WIDTH, markdown

PAGE = Path(__file__).parents[1] / "api.md"
PACKAGE = Path(__file__).parents[2] / "segkit"

# What a script meets, in the order of its use: a heading, and what stands below it. Members are
# those of a class that its own text does not tell.
CONTENTS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "Train": (("api.py", "fit", ()), ("api.py", "TrainedRun", ("predictor",))),
    "Predict": (
        ("runs/load.py", "load_run", ()),
        ("inference/predictor.py", "Predictor", ("__call__", "classes")),
        ("inference/prediction.py", "Prediction", ("objects",)),
    ),
    "Score and compare": (
        ("api.py", "score", ()),
        ("api.py", "compare_runs", ()),
        ("comparison/comparison.py", "Comparison", ()),
        ("comparison/configurations.py", "Configuration", ()),
        ("comparison/comparison.py", "Pair", ()),
        ("statistics/paired.py", "Difference", ()),
        ("statistics/paired.py", "PairedDifference", ()),
    ),
    "Use the data alone": (
        ("api.py", "open_data", ()),
        ("data/datamodule.py", "SegmentationData", ("as_dataset", "classes")),
        ("data/samples.py", "Samples", ("set_epoch",)),
    ),
    "Errors": (("core/errors.py", "SegkitError", ()),),
}
# Made for you, so that their constructors are not yours to call.
GIVEN = {"Predictor", "Prediction", "SegmentationData", "Samples", "Comparison", "Configuration"}
GIVEN |= {"Pair", "Difference", "PairedDifference", "TrainedRun"}

Documented = ast.FunctionDef | ast.ClassDef
# Sections of a docstring in Google's style, and what the page calls them.
_SECTIONS = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Raises": "Raises",
}


def page() -> str:
    """The text of docs/api.md."""
    parts = []
    for heading, members in CONTENTS.items():
        parts.append(f"## {heading}\n")
        for file, name, shown in members:
            parts.extend(_entry(file, name, shown))
    return markdown("api.md.jinja", entries="\n".join(parts))


def _entry(file: str, name: str, shown: tuple[str, ...]) -> Iterator[str]:
    node = _defined(ast.parse((PACKAGE / file).read_text("utf-8")), name)
    offered = name not in GIVEN
    yield f"### {'segkit.' if offered else ''}{name}\n"
    if isinstance(node, ast.FunctionDef):
        yield signature(node, f"segkit.{name}")
        yield described(node)
        return
    yield described(node, leave_out=("Args", "Raises") if not offered else ())
    for member in shown:
        inner = _defined(node, member)
        assert isinstance(inner, ast.FunctionDef)
        yield f"#### {f'Call a {name}' if member == '__call__' else f'{name}.{member}'}\n"
        if not inner.decorator_list or member == "__call__":
            called = name.lower() if member == "__call__" else f"{name}.{member}"
            yield signature(inner, called)
        yield described(inner)


def _defined(tree: ast.Module | ast.ClassDef, name: str) -> Documented:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"{name} is not where docs/generate/api.py looks for it")


def signature(node: ast.FunctionDef, called: str) -> str:
    """As it is written, without ``self``; on lines of its own where it is long."""
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + [*given.defaults]
    words = [_word(*one) for one in zip(positional, defaults, strict=True) if one[0].arg != "self"]
    if given.kwonlyargs:
        words.append("*")
        words += [_word(*one) for one in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        words.append(f"**{_word(given.kwarg, None)}")
    answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{called}({', '.join(words)}){answer}"
    if len(line) > WIDTH - 4:
        line = f"{called}(\n" + "".join(f"    {word},\n" for word in words) + f"){answer}"
    return textwrap.indent(line.replace("'", '"'), " " * 4) + "\n"


def _word(argument: ast.arg, default: ast.expr | None) -> str:
    typed = (
        f"{argument.arg}: {ast.unparse(argument.annotation)}"
        if argument.annotation
        else argument.arg
    )
    return typed if default is None else f"{typed} = {ast.unparse(default)}"


def described(node: Documented, leave_out: tuple[str, ...] = ()) -> str:
    """The docstring as Markdown: prose, examples as code, sections as lists."""
    text = ast.get_docstring(node)
    assert text, f"{node.name} has no docstring"
    parts = re.split(rf"^({'|'.join(_SECTIONS)}):\n", text, flags=re.MULTILINE)
    found = [*_prose(parts[0])]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title not in leave_out:
            listed = [_item(item) for item in _items(body)]
            found += [f"{_SECTIONS[title]}:", "\n".join(listed)]
    return "\n\n".join(found) + "\n"


def _prose(text: str) -> Iterator[str]:
    for block in text.strip().split("\n\n"):
        if block.startswith("    "):
            yield block
        elif block.lstrip().startswith(">>>"):
            lines = (line.lstrip("> .").partition("  # doctest")[0] for line in block.splitlines())
            yield textwrap.indent("\n".join(lines), " " * 4)
        else:
            yield _filled(block.replace("::", ":"))


def _items(body: str) -> Iterator[str]:
    """The entries of a section, each on one line."""
    lines = textwrap.dedent(body.rstrip()).splitlines()
    item: list[str] = []
    for line in lines:
        if item and not line.startswith(" "):
            yield " ".join(item)
            item = []
        item.append(line.strip())
    yield " ".join(item)


def _item(text: str) -> str:
    name, colon, said = text.partition(": ")
    named = bool(colon) and re.fullmatch(r"[\w, *]+", name) is not None
    words = f"**{name}**: {said}" if named else text
    return _filled(words, first="- ", then="  ")


def _filled(text: str, first: str = "", then: str = "") -> str:
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"``\1``", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", " ".join(text.split()))
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
