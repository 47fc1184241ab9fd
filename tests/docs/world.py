"""A folder where a reader types what a page shows; all that the page names is there, but small."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import segkit
from segkit import api
from tests.commands.conftest import environment
from tests.commands.in_process import call_main
from tests.docs.own import Own, nuclei
from tests.docs.phantoms import WRITERS
from tests.docs.tiny import tiny
from tests.documents import Block, all_blocks, is_looked_up, shell_lines

_NAME = r"(?<![\w./-]){}(?![\w-])"
_RUN = re.compile(r"(?P<key>hydra\.\w+\.dir=)?(?P<parent>(?:[\w-]+/)*)\bDIR(?P<number>\d?)\b")
_ARCHIVES = {"lgg_mri": "lgg_mri|brain_segmentation", "chest_xray": "chest_xray|unet_lowered"}
_OF_OBJECTS = re.compile(
    r"\b(rois|geojson|coco|seed_threshold|min_area)=|seed_threshold\"\]|\.objects\b"
)
# Of these exit code 1 is an answer: the data are not fit, the batch was not learnt.
_VERDICTS = {"check", "debug=overfit"}
# These start processes, each of which begins as this one did.
_APART = ("trainer=ddp", "hydra/launcher=")


class World:
    """A new folder, which becomes the current one.

    Args:
        folder: where all is written.
        patch: undone by the test.
        trained: gives a run of a task, by a number, and of a network; where a page trains none.
        weights: an encoder's, $W.
    """

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        trained: Callable[[str, int, str], Path],
        weights: Path,
    ) -> None:
        self.folder, self.patch, self.trained = folder, patch, trained
        self.own: Own | None = None
        self.shown = ""  # all that is run of the page
        self.copied: dict[str, tuple[str, int, str]] = {}  # runs from elsewhere
        self.names: dict[str, Any] = {"image": nuclei(50)[0]}  # as a reader has loaded one
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("W", str(weights))
        patch.setattr(segkit, "fit", lambda given=(): api.fit(tiny("train", given)))

    def walk(self, document: Path) -> None:
        """Do all that a page shows, in its order.

        Raises:
            AssertionError: it does not work; the message says where it stands.
        """
        blocks = [block for block in all_blocks(document) if block.reason is None]
        shown = (block.text for block in blocks if block.kind in ("commands", "python"))
        self.shown = "\n".join(shown)
        for block in blocks:
            self._run(block)

    def _run(self, block: Block) -> None:
        if block.kind == "python":
            with _located(block, block.line, "the script"):
                self._script(block)
        elif block.kind == "commands":
            for number, line in shell_lines(block.text, block.line):
                with _located(block, number, line):
                    self._command(line, block)

    def _script(self, block: Block) -> None:
        text = self._prepared(block.text, block)
        # With as many lines before it, a traceback names the line of the page.
        source = "\n" * (block.line - 1) + text
        exec(compile(source, str(block.document), "exec"), self.names)

    def _command(self, line: str, block: Block) -> None:
        if is_looked_up(line):
            return  # tests/test_documents.py looks
        line = self._prepared(os.path.expandvars(line), block)
        match shlex.split(line):
            case ["export", *given]:
                for each in given:
                    self.patch.setenv(*each.split("=", 1))
            case ["cd", place]:
                self.patch.chdir(place)
            case ["python", "-m", module, *words] if module.startswith("segkit."):
                self._segkit(module, words)
            case ["python", "-m", *module]:
                self._module(module)
            case _:
                _shell(line)

    def _module(self, words: Sequence[str]) -> None:
        self.patch.setattr(sys, "argv", [*words])
        code: object = 0
        try:
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code or 0
        assert code == 0, f"exit code {code}"

    def _segkit(self, module: str, words: Sequence[str]) -> None:
        odd = {"|", ">", "<", "&&", ";", "&"} & {*words}
        assert not odd, "a command stands alone on its line, or has a mark that says why not"
        name = module.removeprefix("segkit.")
        words = tiny(name, words)
        allowed = {0, 1} if _VERDICTS & {name, *words} else {0}
        self._phantoms(" ".join(words))
        if any(word.startswith(_APART) for word in words):
            _shell(shlex.join(["python", "-m", module, *words]))
            return
        code = call_main(self.patch, *words, module=import_module(module))
        assert code in allowed, f"exit code {code} of {name} {shlex.join(words)}"

    def _prepared(self, text: str, block: Block) -> str:
        """A command or script with the names that are there; what it names has been written."""
        for kind, choice in _ARCHIVES.items():
            if re.search(rf"(dataset|experiment)=({choice})", text):
                text = re.sub(_NAME.format("archive.zip"), f"{kind}/archive.zip", text)
        self._phantoms(text)
        return _RUN.sub(lambda match: self._named(match, text, block), text)

    def _phantoms(self, text: str) -> None:
        for name, write in WRITERS.items():
            path = self.folder / name
            if re.search(_NAME.format(re.escape(name)), text) and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path)
        if re.search(_NAME.format("mydata"), text):
            self._own(Own.asked_for(text, self.shown), anew="root=mydata" in text)
        if "=OTHER" in text:
            (self.own or Own(objects=True)).write(self.folder / "OTHER", first=60)

    def _own(self, asked: Own, *, anew: bool) -> None:
        """The user's data, written again where a command needs other masks."""
        root = self.folder / "mydata"
        if self.own is None or (anew and asked != self.own):
            shutil.rmtree(root, ignore_errors=True)
            asked.write(root)
            shutil.make_archive(str(root), "zip", root)
            self.own = asked

    def _named(self, match: re.Match[str], text: str, block: Block) -> str:
        """What stands for a DIR: the newest run that fits, or the newest sweep, or its job."""
        key, parent, number = match["key"] or "", match["parent"], match["number"]
        if key:
            return f"{key}{parent}begun{number}"  # which the command makes
        if parent == "outputs/sweeps/" and not number:
            (*_, newest) = _by_time(self.folder.glob("outputs/sweeps/*/jobs.csv"))
            return str(newest.relative_to(self.folder))
        if parent:
            (job,) = self.folder.glob(f"{parent}{number or 0}-*")
            return str(job.relative_to(self.folder))
        return self._run_for(match[0], int(number or 0), text, block)

    def _run_for(self, name: str, number: int, text: str, block: Block) -> str:
        """The newest run of the page that fits, or one from elsewhere.

        DIR1 and DIR2 are compared or averaged: both are of the page, one of each task, or none.
        """
        around = block.text if number else self.shown if "segkit.export" in text else text
        one_of_each = number and "score_as=" in around
        task = "instance" if one_of_each or _OF_OBJECTS.search(around) else ""
        if re.search(rf"run={name} (.* )?(score_as|dicom_seg)=", around):
            task = "semantic"
        wanted = {"task": task} if task else {}
        if f"encoder_weights={name}" in text:
            wanted["model"] = "unet_mnv2"
        if "dataset.root=OTHER" in text and "dataset=" not in text:
            wanted["dataset"] = "folder"
        places = _by_time(self.folder.glob("outputs/**/summary.json"))
        runs = [_chosen(run) for run in places if "debug" not in run.parts]
        if number and not (one_of_each and len({chosen["task"] for _, chosen in runs}) > 1):
            runs = []
        for run, chosen in reversed(runs):
            if wanted.items() <= chosen.items():
                return str(run.relative_to(self.folder))
        given = (task or "semantic", number, wanted.get("model", ""))
        if self.copied.get(name) != given:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(self.trained(*given), self.folder / name)
            self.copied[name] = given
        return name


def _chosen(run: Path) -> tuple[Path, dict[str, str]]:
    """A run with its task, model, data set, …"""
    config = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    return run, {**config["choices"], "task": config["task"]}


def _shell(line: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    given = ["bash", "-euo", "pipefail", "-c", line]
    subprocess.run(given, check=True, env=environment() | {"PATH": path})


@contextmanager
def _located(block: Block, line: int, what: str) -> Iterator[None]:
    """Whatever is raised says where on the page."""
    try:
        yield
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        places = [each.lineno for each in frames if each.filename == str(block.document)]
        said = f"{type(error).__name__}: {error}"
        where = f"{block.document.name}, line {[line, *places][-1]}"
        raise AssertionError(f"{where}: {what}\n{said}") from error


def _by_time(files: Any) -> list[Path]:
    """The folders of files, the newest last."""
    return [path.parent for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]
