"""FLAIR abnormality in brain MRI of patients with lower-grade glioma.

Source: Kaggle, https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation, made from the
    TCGA-LGG collection of The Cancer Imaging Archive.
Licence: CC BY-NC-SA 4.0.
Layout: ``kaggle_3m/<patient>/<patient>_<slice>.tif`` (256×256×3: pre-contrast, FLAIR,
    post-contrast) with ``<patient>_<slice>_mask.tif`` beside it, and ``kaggle_3m/data.csv``
    with clinical facts. The published archive holds the tree twice; each slice counts once.
Classes: background, tumour (the FLAIR abnormality). Masks store 0 and 255.
Splits: none published. The group is the patient. Drawn ones are balanced over the contributing
    institution, the two letters after ``TCGA_``: scanners and protocols differ between them,
    and the name tells it for every patient, with or without ``data.csv``.
Citation: Buda, Saha, Mazurowski, Association of genomic subtypes of lower-grade gliomas with
    shape features automatically extracted by a deep learning algorithm, Computers in Biology
    and Medicine 109, 2019. Mazurowski et al., Radiogenomics of lower-grade glioma:
    algorithmically-assessed tumor shape is associated with tumor genomic subtypes and patient
    outcomes in The Cancer Genome Atlas data, Journal of Neuro-Oncology 133, 2017.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from segkit.core.contracts import Listing, Problem, Record, Sample
from segkit.core.errors import SegkitError
from segkit.core.tables import parse_table
from segkit.data.readers.base import Reader
from segkit.imaging.masks import above
from segkit.imaging.pixels import decode

_SLICE = re.compile(r"(?P<patient>.+)_(?P<slice>\d+)(?P<mask>_mask)?\.tiff?", re.IGNORECASE)
_DATE = re.compile(r"_\d{8}$")

Key = tuple[str, int]
Facts = Mapping[str, str]


class LggMri(Reader):
    """See the module's text.

    Args:
        root: folder or zip.
    """

    layout = "kaggle_3m/<patient>/<patient>_<slice>.tif with <patient>_<slice>_mask.tif"

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, classes=("background", "tumour"))

    def scan(self) -> Listing:
        """Pair slices and masks, by patient and in the order of the slices.

        Raises:
            SegkitError: the root or its ``data.csv`` cannot be read.
        """
        # The copy with the shorter path is taken first and kept.
        names = sorted(self.source.names(), key=lambda name: (name.count("/"), name))
        images: dict[Key, str] = {}
        masks: dict[Key, str] = {}
        for name in names:
            path = PurePosixPath(name)
            found = _SLICE.fullmatch(path.name)
            # No folder: the root is one patient's own.
            if found and path.parent.name in ("", found["patient"]):
                kind = masks if found["mask"] else images
                kind.setdefault((found["patient"], int(found["slice"])), name)
        facts = self._read_facts(names)
        # A tree without any mask holds slices to predict: nothing was forgotten.
        whole = images.keys() & masks if masks else images.keys()
        records = [_record(key, images[key], masks.get(key), facts) for key in sorted(whole)]
        problems = [
            *(Problem(images[key], "an image without a mask") for key in images.keys() - whole),
            *(Problem(masks[key], "a mask without an image") for key in masks.keys() - images),
        ]
        return Listing(records, sorted(problems, key=lambda problem: problem.where))

    def read(self, record: Record) -> Sample:
        """Decode a slice and its mask, which is cut at 127."""
        image = self.read_image(record)
        if not record.labelled:
            return Sample(image, None)
        name = record.masks[0]
        mask = above(decode(self.source.read(name), self.source.where(name)), 127)
        return Sample(image, mask.astype(np.uint8))

    def _read_facts(self, names: Sequence[str]) -> dict[str, Facts]:
        """The rows of the first ``data.csv``, by patient; none where there is no such file."""
        for name in names:
            if PurePosixPath(name).name == "data.csv":
                self.tables.append(name)
                try:
                    rows = parse_table(self.source.read(name))
                except ValueError as error:
                    raise SegkitError(
                        f"the clinical table cannot be read: {error}",
                        where=self.source.where(name),
                        remedy="download it again, or delete it: it is not needed to train",
                    ) from error
                return {
                    row.get("Patient", ""): {k: v for k, v in row.items() if k != "Patient"}
                    for row in rows
                }
        return {}


def _record(key: Key, image: str, mask: str | None, facts: Mapping[str, Facts]) -> Record:
    patient, number = key
    parts = patient.split("_")
    return Record(
        id=f"{patient}_{number}",
        group=patient,
        image=image,
        masks=() if mask is None else (mask,),
        stratum=parts[1] if parts[0] == "TCGA" and len(parts) > 2 else "",
        facts={"slice": str(number), **facts.get(_DATE.sub("", patient), {})},
    )
