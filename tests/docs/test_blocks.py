"""What documents show is told apart; nothing is left out without a reason."""

from pathlib import Path

import pytest

from tests.documents import WALKED, all_blocks, marks, shell_lines


def check(document: Path) -> None:
    """Every block is of a kind that is run or read, or says why not."""
    found = all_blocks(document)
    for block in found:
        if block.reason is None:
            assert block.kind, f"{block}: of no known kind; say <!-- not run: REASON --> above it"
        else:
            assert len(block.reason.split()) > 1, f"{block}: a mark without a reason"
    said = sum(block.reason is not None for block in found)
    assert marks(document) == said, f"{document.name}: a mark without a block below it"


@pytest.mark.parametrize("document", WALKED, ids=lambda path: path.stem)
def test_each_block_is_run_or_says_why_not(document: Path) -> None:
    check(document)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("    srun python -m segkit.train\n", "of no known kind"),
        ("    python -m segkit.train\n    sbatch job.sh\n", "of no known kind"),
        ("    def found = getDetectionObjects()\n", "of no known kind"),
        ("```groovy\nmake test\n```\n", "of no known kind"),
        ("<!-- not run -->\n    srun python -m segkit.train\n", "without a reason"),
        ("<!-- not run: -->\n\n    make train\n", "without a reason"),
        ("<!-- not run: hours -->\n    make train\n", "without a reason"),
        ("<!-- not run: takes hours -->\nwords\n\n    make train\n", "without a block"),
        ("<!-- not run: takes hours -->\n\nwords\n", "without a block"),
    ],
)
def test_a_page_that_is_wrong(tmp_path: Path, text: str, wrong: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\nwords\n\n{text}", "utf-8")
    with pytest.raises(AssertionError, match=wrong):
        check(page)


PAGE = """# Page

    make train

    python -m segkit.train \\
        dataset=phantom     # drawn

    W=1 python -c 'print("#1")'  # no more

words
<!-- not run: needs Slurm on a cluster -->
    srun python -m segkit.train

words

    import math
    # a comment

    math.pi

```yaml
encoder: resnet50
```

    mydata/images/a.tif    mydata/masks/a.png
    outputs/               what it wrote: 3 files

    ls mydata

words

    optim.lr: {low: 1e-4, high: 1e-2}
    augment: [light, flip]

```python
print(2)
```

    image,mask,group
    a.png,b.png,P1
"""


def test_blocks_are_told_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, "utf-8")
    check(page)
    found = all_blocks(page)
    assert [(block.line, block.kind, block.reason) for block in found] == [
        (3, "commands", None),
        (12, "", "needs Slurm on a cluster"),
        (16, "python", None),
        (22, "settings", None),
        (25, "files", None),
        (28, "commands", None),
        (32, "settings", None),
        (36, "python", None),
        (39, "table", None),
    ]
    assert list(shell_lines(found[0].text, found[0].line)) == [
        (3, "make train"),
        (5, "python -m segkit.train dataset=phantom"),
        (8, """W=1 python -c 'print("#1")'"""),
    ]
