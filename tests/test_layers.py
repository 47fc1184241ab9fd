"""The layers of the package: who may import whom, proven on the source text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "segkit"

# A file imports only from its own layer and from those above it; `data.*` is any other of them.
LAYERS = (
    {"errors", "contracts"},
    {
        "files",
        "sources",
        "finite",
        "quoting",
        "literal",
        "command_help",
        "flops",
        "varied",
        "freezing",
        "epoch_state",
        "limits",
        "memory",
        "tiffs",
        "images",
        "masks",
        "mask_survey",
        "mask_advice",
        "mask_settings",
        "stacks",
        "losses",
        "metrics",
        "drawing",
        "panel",
        "curves",
        "tally",
        "schedules",
        "hardware",
        "home",
        "streams",
        "terminal",
        "shell",
        "html",
        "plot_style",
        "tiling",
        "turns",
        "runlength",
        "components",
        "rows",
        "scaled_rows",
        "tiff_rows",
        "passed_over",
        "prediction_inputs",
        "prediction_names",
        "prediction_files",
        "prediction_table",
        "gather",
        "first_process",
        "view",
        "intervals",
        "paired",
        "paired_seeds",
        "paired_text",
        "surface",
        "calibration",
        "thresholds",
        "score_plots",
        "search_space",
        "study_storage",
        "evaluation_tables",
        "data.duplicates",
        "data.clean_split",
        "thumbnails",
        "data.source",
        "data.splits",
        "data.split_file",
        "data.augment",
        "data.lens",
        "data.npz",
        "pace",
        "prediction",
        "processes",
        "data.download",
        "models.encoder_names",
    },
    {"data.*", "models.*", "tensorboard"},
    {"task", "callbacks.*", "onnx_model", "evaluation_panels", "predictor", "tile_scores"},
    {
        "config_check",
        "config_limits",
        "config_sizes",
        "batch_size",
        "foresight",
        "chosen",
        "targets",
        "strangers",
        "benchmarks.*",
        "config_errors",
        "unreadable",
        "spelling",
        "assembly",
        "rebuild",
        "try_out",
        "evaluation",
        "evaluation_setup",
        "evaluation_text",
        "audit",
        "audit_tables",
        "audit_charts",
        "audit_pictures",
        "audit_preview",
        "audit_report",
        "report",
        "report_scores",
        "sweep_jobs",
        "keep_apart",
        "run_scores",
        "comparison",
        "comparison_check",
        "comparison_page",
        "comparison_plots",
        "comparison_pictures",
        "comparison_tables",
        "comparison_shown",
        "comparison_text",
        "checkpoints",
        "runs",
        "run_folder",
        "run_claim",
        "prediction_groups",
        "prediction_loop",
        "resume",
        "resume_point",
        "study",
        "study_report",
        "study_setup",
        "study_trial",
        "text",
        "next_steps",
        "console",
        "fit",
        "cli",
        "ranks",
        "given",
    },
    {
        "train",
        "evaluate",
        "predict",
        "check",
        "compare",
        "sweep",
        "export",
        "benchmark",
        "__main__",
    },
)


def sources() -> dict[str, Path]:
    """Module names below segkit, ``__init__`` files left out."""
    paths = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}


SOURCES = sources()


def layer(module: str) -> int:
    for names in (module, f"{module.rpartition('.')[0]}.*"):
        for number, members in enumerate(LAYERS):
            if names in members:
                return number
    raise AssertionError(f"segkit/{module.replace('.', '/')}.py is on no layer: put it on one here")


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
    assert {"errors", "assembly", "train", "data.dsb2018", "callbacks.record"} <= set(SOURCES)
    assert IMPORTS["contracts"] == ["errors"]
    assert "data.datamodule" in IMPORTS["task"]


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_point_up_the_layers(module: str) -> None:
    for other in IMPORTS[module]:
        # Neither the package itself nor a sub-package: `__init__` files are not imported.
        assert other in SOURCES, f"{module} imports {other}, which is not a module"
        assert layer(other) <= layer(module), f"{module} imports {other} from a layer below it"


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
    monkeypatch.setitem(IMPORTS, "errors", ["contracts"])
    with pytest.raises(
        AssertionError, match=r"cycle: .*contracts > errors > contracts|errors > con"
    ):
        test_no_import_cycle()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_init_files_define_nothing(path: Path) -> None:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


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


def test_only_assembly_builds_from_configuration() -> None:
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
    # targets looks at what a name leads to, and builds nothing.
    assert users == {"assembly", "targets"}


def test_same_stem_everywhere() -> None:
    """A data set is a reader, a YAML file and a test of one name."""
    stems = {path.stem for path in (ROOT / "conf" / "dataset").glob("[!_]*.yaml")}
    assert {"dsb2018", "folder", "phantom"} <= stems
    for stem in stems:
        assert (PACKAGE / "data" / f"{stem}.py").is_file()
        assert (ROOT / "tests" / "data" / f"test_{stem}.py").is_file()
