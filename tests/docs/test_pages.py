"""Each document's commands and scripts work, one after the other, as its reader types them."""

from pathlib import Path

import pytest

from tests.docs.outcomes import OUTCOMES
from tests.docs.world import World
from tests.documents import NOTEBOOKS, WALKED

# A reader sees warnings, and goes on.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("document", [*WALKED, *NOTEBOOKS], ids=lambda path: path.stem)
def test_the_page_works_from_its_first_block_to_its_last(document: Path, world: World) -> None:
    world.walk(document)
    if document.stem in OUTCOMES:
        OUTCOMES[document.stem](world.folder)
