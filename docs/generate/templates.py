"""What the pages that are made here have in common."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

WIDTH = 120  # of a line


def markdown(template: str, **given: object) -> str:
    """Fill one of this folder's templates."""
    # Nothing is escaped in Markdown; all of the text is this repository's own.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(**given)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"
