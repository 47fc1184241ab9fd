"""The tiers of the package: which folder may import from which, proven on the source text."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "segkit"

# A folder imports from itself and from the tiers above it; folders of one tier never import each
# other. The commands, which are the files of the package itself, come last.
TIERS = (
    {"core"},
    {"imaging", "statistics", "config"},
    {"drawing"},
    {"data", "models"},
    {"tasks"},
    {"inference"},
    {"training"},
    {"runs"},
    {"evaluation", "comparison", "audit", "search", "benchmarks"},
    {""},
)


def test_the_map_for_developers_shows_the_tiers() -> None:
    text = (ROOT / "docs" / "developers.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.M)
    shown = [(int(tier), name) for tier, names in rows for name in re.findall(r"`(\w+)/`", names)]
    expected = [(n, name) for n, names in enumerate(TIERS, 1) for name in names if name]
    assert sorted(shown) == sorted([*expected, (len(TIERS), "segkit")])


def sources() -> dict[str, Path]:  # by the names of modules below segkit
    paths = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}


SOURCES = sources()


def folder_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0] if "." in module else ""


def tier_of(module: str) -> int:
    folder = folder_of(module)
    for number, folders in enumerate(TIERS):
        if folder in folders:
            return number
    raise AssertionError(f"segkit/{folder}/ is on no tier: put it on one here")


def imported(path: Path) -> Iterator[str]:
    """What a file imports from segkit, by module, imports for types alone included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            names = [
                f"{node.module}.{alias.name}"
                if f"{node.module}.{alias.name}".removeprefix("segkit.") in SOURCES
                else str(node.module)
                for alias in node.names
            ]
        else:
            continue
        yield from (name.removeprefix("segkit.") for name in names if name.startswith("segkit"))


IMPORTS = {module: sorted(set(imported(path))) for module, path in SOURCES.items()}


def test_the_source_was_found() -> None:
    assert {"core.errors", "runs.build", "train", "training.callbacks.record"} <= set(SOURCES)
    assert IMPORTS["core.contracts"] == ["core.errors"]
    assert "data.datamodule" in IMPORTS["training.module"]


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_point_up_the_tiers(module: str) -> None:
    for other in IMPORTS[module]:
        # Neither the package itself nor a sub-package: `__init__` files are not imported.
        assert other in SOURCES, f"{module} imports {other}, which is not a module"
        above = tier_of(other) < tier_of(module)
        assert above or folder_of(other) == folder_of(module), (
            f"{module} imports {other}, which is not above it"
        )


def test_configuration_never_imports_torch() -> None:
    for module, path in SOURCES.items():
        if folder_of(module) == "config":
            text = path.read_text(encoding="utf-8")
            names = [
                alias.name if isinstance(node, ast.Import) else str(node.module)
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            ]
            assert not [name for name in names if name.split(".")[0] in ("torch", "lightning")]


def test_no_import_cycle() -> None:
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"cycle: {' > '.join((*way, module))}"
        if module in done:
            return
        for other in IMPORTS[module]:
            visit(other, (*way, module))
        done.add(module)

    for module in SOURCES:
        visit(module, ())
    assert done == set(SOURCES)


def test_the_search_for_cycles_finds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(IMPORTS, "core.errors", ["core.contracts"])
    with pytest.raises(
        AssertionError, match=r"cycle: .*core\.errors > core\.contracts|contracts >"
    ):
        test_no_import_cycle()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_init_files_define_nothing(path: Path) -> None:
    """But for what scripts import from a folder by name, which is loaded when it is asked for."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        lazy = isinstance(node, ast.FunctionDef) and node.name in ("__getattr__", "__dir__")
        named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        typing = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        typing |= isinstance(node, ast.ImportFrom) and node.module == "typing"
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert lazy or named or typing or text, ast.unparse(node)


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_files_are_read_in_one_sitting(module: str) -> None:
    text = SOURCES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            start = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
            assert start is not None
            assert node.end_lineno is not None
            length = node.end_lineno - start
            assert length <= 50, f"{module}.{node.name} has {length} lines after its docstring"


def test_one_file_builds_from_configuration() -> None:
    builders = {"instantiate", "call", "get_class", "get_object", "get_method"}
    users = set()
    for module, path in SOURCES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("hydra"):
                users |= {module for alias in node.names if alias.name in builders}
            if isinstance(node, ast.Attribute) and node.attr == "instantiate":
                users.add(module)
            assert not (
                isinstance(node, ast.ImportFrom)
                and node.module == "hydra"
                and any(alias.name == "utils" for alias in node.names)
            ), f"{module} imports hydra.utils whole"
    # The allow-list looks at what a name leads to, and builds nothing.
    assert users == {"runs.build", "config.allow_list"}


def test_only_tasks_know_the_tasks() -> None:
    """Everything else asks the task by name, so that another needs no change elsewhere."""
    for module, others in IMPORTS.items():
        if folder_of(module) != "tasks":
            known = [
                other for other in others if other.count(".") > 1 and folder_of(other) == "tasks"
            ]
            assert not known, f"{module} imports {', '.join(known)}"


# Words of one task, which no file of another folder may need.
WORDS = re.compile(r"(?i)\b(dice|iou|tp|fp|fn|tn|thresholds?|confusion)\b")
# Names that mean something else: what a stored mask marks above a value, and torch's functions.
ELSE = re.compile(r"mask_threshold|threshold_cautions|collate_fn|worker_init_fn|multi_avg_fn")
# Where a threshold is one of stored values, too.
OF_MASKS = ("imaging.masks", "imaging.mask_advice", "imaging.mask_settings", "imaging.mask_survey")


def words_of_a_task(path: Path) -> list[str]:
    """Where an identifier or a text of a file has one of them; docstrings are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        names = [
            value
            for field in ("id", "attr", "arg", "name", "asname", "module")
            if isinstance(value := getattr(node, field, None), str)
        ]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            names.append(node.value)
        for name in names:
            plain = ELSE.sub("", name).replace("_", " ")
            if WORDS.search(plain):
                found.append(f"{getattr(node, 'lineno', 0)}: {name.strip()[:60]!r}")
    return found


def test_the_words_of_a_task_are_its_own() -> None:
    known = [
        f"{module}:{found}"
        for module, path in SOURCES.items()
        if folder_of(module) != "tasks"
        for found in words_of_a_task(path)
        if not (module in OF_MASKS and "threshold" in found)
    ]
    assert not known, "\n".join(known)


def test_the_search_for_words_finds_them(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('"""Of Dice."""\nval_iou = {"mean dice": 1}\nmask_threshold = dicey = 2\n')
    assert [line.split(":")[0] for line in words_of_a_task(path)] == ["2", "2"]


def test_same_stem_everywhere() -> None:
    """A data set is a reader, a YAML file and a test of one name."""
    stems = {path.stem for path in (ROOT / "conf" / "dataset").glob("[!_]*.yaml")}
    assert {"dsb2018", "folder", "phantom"} <= stems
    for stem in stems:
        assert (PACKAGE / "data" / "readers" / f"{stem}.py").is_file()
        assert (ROOT / "tests" / "data" / "readers" / f"test_{stem}.py").is_file()


def test_tests_mirror_the_package() -> None:
    """A test of one folder's code lies in the folder of that name."""
    # These test the whole from outside: as a user types it, as a page says it, as an attacker does.
    whole = {"cluster", "commands", "conf", "docs", "frozen", "hostile", "safety"}
    for path in (ROOT / "tests").rglob("*.py"):
        folder = path.parent.relative_to(ROOT / "tests")
        if folder.parts and folder.parts[0] not in whole:
            assert (PACKAGE / folder).is_dir(), path
