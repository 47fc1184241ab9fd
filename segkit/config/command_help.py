"""What ``--help`` says: Hydra's answer, of which it would first compose a whole configuration."""

from pathlib import Path

import yaml

from segkit.config.groups import group_names


def help_text(folder: Path, command: str) -> str:
    """The help of a command, from its own file.

    Args:
        folder: of the YAML files.
        command: its name.
    """
    text = (folder / "hydra" / "help" / f"{command}.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    return str(
        told["template"]
        .replace("${hydra.help.header}", told["header"])
        .replace("${hydra.help.footer}", told["footer"])
        .replace("$APP_CONFIG_GROUPS", _groups(folder))
    )


def _groups(folder: Path) -> str:
    lines = ""
    for group in group_names(folder):
        # As Hydra has it, those that others build on too: the help says what they are.
        if options := sorted(path.stem for path in (folder / group).glob("*.yaml")):
            lines += f"{group}: {', '.join(options)}\n"
    return lines
