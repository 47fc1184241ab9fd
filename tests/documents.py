"""What the documents show, taken apart: blocks of code, commands, links and pictures."""

import ast
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *PAGES]
# The README joins in when it is the short one.
_SHORT = len(README.read_text("utf-8").splitlines()) <= 150
WALKED = [path for path in DOCUMENTS if path != README or _SHORT]

_BLOCK = re.compile(
    r"^```(?P<language>\w*)\n(?P<fenced>(?:[^\n]*\n)*?)```$"
    r"|(?:(?<=\n\n)|(?<=-->\n))(?P<indented>^    [^\n]*\n(?:    [^\n]*\n|[ ]*\n(?= *\n|    ))*)",
    re.MULTILINE,
)
_MARK = re.compile(r"<!-- not run:?(.*?)-->")
_LANGUAGES = {"python": "python", "bash": "commands", "sh": "commands", "yaml": "settings"}
# What prepares a machine is not run, but that there is what it names is tested; what programs
# beside these do is for a mark to say.
_LOOKED_UP = frozenset({".", "make", "pip", "python3", "uv"})
_RUN = frozenset(
    {"cat", "cd", "cp", "echo", "export", "head", "ls", "mkdir", "mv", "python", "rm", "tar"}
    | {"unzip", "zip"}
)
_PATH = re.compile(r"[\s│├└─]*[^\s:]*[./…*][^\s:]*(\s|$)")

_SIGNATURE = re.compile(r"[\w.]+\((?:.*|\n(?:    .+,\n)+)\)(?: -> .+)?\n")


@dataclass(frozen=True)
class Block:
    """A block of code, fenced or indented by four spaces.

    Attributes:
        line: its first, counted from 1.
        kind: ``python``, ``commands``, ``settings`` (YAML), ``files`` (a listing), ``table`` (CSV)
            or ``signature`` (of a function); empty where it cannot be told, or is not needed.
        reason: why it is not run; None where it is to be run.
    """

    document: Path
    line: int
    kind: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.document.name}, line {self.line}"


def shell_lines(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    """Each command with the line where it begins; no comments."""
    command, begun = "", first
    for number, line in enumerate(text.splitlines(), start=first):
        begun = begun if command else number
        command += re.sub(r"(^|\s)#( .*|)$", "", line).strip()
        if command.endswith("\\"):
            command = command[:-1]
        elif command:
            yield begun, command
            command = ""


def all_blocks(document: Path) -> list[Block]:
    """In order."""
    text, found = document.read_text("utf-8"), []
    if document.suffix == ".ipynb":
        return _cells(document, text)
    for match in _BLOCK.finditer(text):
        code = textwrap.dedent(match["indented"] or match["fenced"])
        before = text[: match.start()].rstrip().rpartition("\n")[2]
        mark = _MARK.fullmatch(before.strip())
        first = text.count("\n", 0, match.start()) + (1 if match["indented"] else 2)
        if mark:
            found.append(Block(document, first, "", code, mark[1].strip()))
        elif match["language"]:
            kind = _LANGUAGES.get(match["language"], "")
            found.append(Block(document, first, kind, code, None))
        else:
            found += _parts(document, first, code)
    return found


def _parts(document: Path, first: int, code: str) -> list[Block]:
    """A listing of files and the commands below it are two blocks; a script is one."""
    if kind := _kind(code):
        return [Block(document, first, kind, code, None)]
    parts = [(match.start(), match[0]) for match in re.finditer(r"(?:.+(?:\n|\Z))+", code)]
    lines = [first + code.count("\n", 0, start) for start, _ in parts]
    return [
        Block(document, line, _kind(part), part, None)
        for line, (_, part) in zip(lines, parts, strict=True)
    ]


def _cells(document: Path, text: str) -> list[Block]:
    """A notebook's cells of code; each line of them is a line of the file."""
    starts = [match.end() for match in re.finditer(r"\"source\": \[\n", text)]
    return [
        Block(document, text.count("\n", 0, start) + 1, "python", "".join(cell["source"]), None)
        for start, cell in zip(starts, json.loads(text)["cells"], strict=True)
        if cell["cell_type"] == "code"
    ]


def blocks(document: Path) -> list[str]:
    """The code of its blocks, in order."""
    return [block.text for block in all_blocks(document)]


def marks(document: Path) -> int:
    """How many blocks it says are not run."""
    return len(_MARK.findall(document.read_text("utf-8")))


def _kind(code: str) -> str:
    lines = [line for _, line in shell_lines(code)]
    commas = {line.count(",") for line in lines}
    kinds = {
        "python": is_python(code),
        "commands": all(program(line) in _RUN or is_looked_up(line) for line in lines),
        "files": all(map(_PATH.match, lines)),
        "signature": _SIGNATURE.fullmatch(code),
        "settings": _is_settings(code),
        "table": len(commas) == 1 and commas != {0},
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def _is_settings(code: str) -> bool:
    try:
        return isinstance(yaml.safe_load(code), dict)
    except yaml.YAMLError:
        return False


def program(line: str) -> str:
    """What a command starts."""
    return re.sub(r"^(\w+=\S* )*", "", line).split(" ", 1)[0]


def is_looked_up(line: str) -> bool:
    """Whether a command is not run, but what it names must be there."""
    return program(line) in _LOOKED_UP and "segkit." not in line


def is_python(code: str) -> bool:
    """Whether it is a script, not a command or a list of files."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return False
    does = (ast.Import, ast.ImportFrom, ast.Assign, ast.Call)
    return any(isinstance(node, does) for node in ast.walk(tree))


def commands(text: str) -> list[str]:
    """What follows ``python -m``, or the name of the image: ``segkit.train dataset=phantom``."""
    found = re.findall(r"(?:python -m|docker run .* segkit\S*) (segkit\.[a-z]+\b[^`\n|]*)", text)
    return [command.split("  #")[0].strip() for command in found]


def named(document: Path, heading: str) -> list[str]:
    """Names in the first column of the table below this heading."""
    after = document.read_text("utf-8").split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    cells = (line.split("|")[1] for line in after.splitlines()[2:])
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def links(document: Path) -> list[str]:
    """What its links and pictures lead to, but for addresses of the web."""
    text = document.read_text("utf-8")
    found: list[str] = re.findall(r"\]\(([^)]+)\)", text)
    # A picture of which there is a dark one, too, is written in HTML.
    found += re.findall(r"\b(?:src|srcset)=\"([^\"]+)\"", text)
    return [link for link in found if "://" not in link]


def anchors(document: Path) -> set[str]:
    """What links to its headings end in, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def split_command(command: str) -> tuple[str, list[str]]:
    """The module's last name, and the words after it."""
    module, *words = shlex.split(command)
    return module.removeprefix("segkit."), words
