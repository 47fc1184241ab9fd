"""Write docs/configuration.md: every key of ``conf/``, from the comments beside them.

python -m docs.generate.configuration
"""

import re
import textwrap
from functools import cache
from pathlib import Path

from docs.generate.conf_files import CONF, ConfFile, Key, options, read_file
from docs.generate.templates import WIDTH, markdown

PAGE = Path(__file__).parents[1] / "configuration.md"

# In the order of a run's life.
COMMANDS = ("train", "evaluate", "predict", "check", "compare", "sweep", "export", "benchmark")
# What each group chooses, in the order in which one meets them.
GROUPS = {
    "dataset": "the data",
    "task": "what is learnt: a class for every pixel, or objects",
    "model": "the network",
    "recipe": "how long to train, and how carefully",
    "augment": "how training images are changed",
    "loss": "what training minimises",
    "optim": "the optimiser",
    "schedule": "how the learning rate changes",
    "callbacks": "what happens around the steps: early stopping, checkpoints, pictures",
    "trainer": "Lightning's Trainer: devices, precision, epochs",
    "logger": "where curves go",
    "cv": "cross-validation",
    "debug": "a short training that finds mistakes",
    "experiment": "a whole published configuration",
    "sweep": "what `segkit.sweep` searches",
    "hydra/launcher": "where the jobs of `-m` run; `joblib` of hydra-joblib-launcher, too",
}

# Groups whose options only choose among the keys of others.
_CHOOSING = ("cv", "debug", "experiment", "sweep")
# What a reader would type, by its looks; the rest is prose.
_CODE = re.compile(
    r"""
    '[^'\s]+=[^']*'                               # 'space={KEY: [A, B]}'
  | \{[^}]*:[^}]*\}                               # {low: 4, high: 32}
  | \w+(?:\+\w+)?://[^\s,;)]*                     # postgresql://…
  | (?<!\w)[~$][\w./{}:-]*\w                      # ~/.cache/segkit
  | ~?[\w./]*\w=(?:\[[^\]]*\]|[^\s,;:)]*[\w\]}/…])?   # task=instance
  | (?:[\w-]+[/-])?<\w+>[\w.]*                    # <stem>.png
  | \b[A-Z][A-Z]+(?:_[A-Z]+)+\b                   # MLFLOW_TRACKING_URI
  | (?<![\w.])_?[a-z][\w-]*(?:[._/][a-z][\w-]*)+(?:/…|\.\*)?   # dataset.split.seed
  | (?<![\w.])[a-z]+/(?![\w<])                    # images/
  | (?<![\w-])(?:null|(?:true|false)(?=[:;,)]|$))(?!\w)
    """,
    re.VERBOSE,
)


def marked(text: str) -> str:
    """Prose in which what can be typed is set as code."""
    typed = "`".join(
        _CODE.sub(lambda found: f"`{found.group()}`", part) if place % 2 == 0 else part
        for place, part in enumerate(text.split("`"))
    )
    escaped = "`".join(
        re.sub(r"[<*]", r"\\\g<0>", part) if place % 2 == 0 else part
        for place, part in enumerate(typed.split("`"))
    )
    return escaped.replace("|", "\\|")


def paragraph(text: str) -> str:
    """Prose, or a labelled command, in lines that fit a screen."""
    label, _, command = text.partition(": ")
    if label == "Command":
        return f"{label}: `{command}`"
    return textwrap.fill(marked(text), WIDTH, break_long_words=False, break_on_hyphens=False)


@cache
def _phrases() -> dict[str, str]:
    """The phrase of each key, from the first file that has one."""
    names = [CONF / "_training.yaml", *(CONF / f"{name}.yaml" for name in COMMANDS)]
    files = [read_file(one) for one in names]
    for group in (name for name in GROUPS if name not in _CHOOSING):
        files += sorted(options(group), key=lambda option: option.name != "default")
    found: dict[str, str] = {}
    for key in (key for file in files for key in file.keys if key.phrase):
        found.setdefault(key.path, key.phrase)
    return found


def phrase_of(key: Key) -> str:
    """Its own, or that of the file which explains the key to all; nothing where there is none."""
    follows = re.fullmatch(r"\$\{([\w.]+)\}", key.default)
    path = key.path.removeprefix("sweep.")
    own = key.phrase or _phrases().get(path, "") or GROUPS.get(path, "")
    return own or (f"follows `{follows[1]}`" if follows else "")


def table(keys: tuple[Key, ...]) -> str:
    """The keys that are a user's to change, each with its default and its phrase."""
    shown = [key for key in keys if not key.given_on]
    if not shown:
        return ""
    rows = ["| key | default | what it does |", "|---|---|---|"]
    for key in shown:
        default = "required" if key.default == "???" else f"`{key.default}`" if key.default else ""
        rows.append(f"| `{key.path}` | {default} | {marked(phrase_of(key))} |")
    return "\n".join(rows)


def chosen(group: str) -> str:
    """The option that training takes unless another is named."""
    train, shared = read_file(CONF / "train.yaml"), read_file(CONF / "_training.yaml")
    sweep = read_file(CONF / "sweep.yaml")
    return {**sweep.overrides, **train.overrides, **shared.overrides}.get(group, "null")


def selectable(group: str) -> list[ConfFile]:
    """What may be chosen, the default first."""
    found = [option for option in options(group) if not option.name.startswith("_")]
    return sorted(found, key=lambda option: option.name != chosen(group))


def page() -> str:
    """The text of docs/configuration.md."""
    return markdown(
        "configuration.md.jinja",
        commands=[read_file(CONF / f"{name}.yaml") for name in COMMANDS],
        training=read_file(CONF / "_training.yaml"),
        groups={name: (words, selectable(name)) for name, words in GROUPS.items()},
        files={name: options(name) for name in GROUPS},
        table=table,
        paragraph=paragraph,
        chosen=chosen,
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
