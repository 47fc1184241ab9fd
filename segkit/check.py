"""``python -m segkit.check dataset=NAME``: look a data set over before anyone trains on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.config.checks import check_data
from segkit.config.keys import key_of
from segkit.config.plain import resolved
from segkit.config.sizes import crop_size, image_size
from segkit.config.values import CHECK
from segkit.core.channels import channels_of
from segkit.core.errors import SegkitError
from segkit.core.files import write_text
from segkit.core.run_folder import RunFolder
from segkit.core.shell import command, relative
from segkit.core.sources import data_name
from segkit.runs import cli
from segkit.runs.build import build_augmentation, build_reader
from segkit.runs.call import Call
from segkit.runs.settled import settled

if TYPE_CHECKING:
    from segkit.core.contracts import Record


def check(config: dict[str, Any], call: Call) -> bool:
    """Audit as configured and write the report; whether the data set is fit to train on.

    Raises:
        SegkitError: the configuration is wrong, there is no data set, or the folder is a run's.
    """
    check_data(config, CHECK)
    folder = call.output
    _check_folder(folder)
    reader = build_reader(config)
    some = bool(reader.listing().records)  # where there is none, problems say why
    config = settled(config, reader) if some else config
    if others := reader.passed_over():
        print(others, flush=True)

    from segkit.audit.audit import audit
    from segkit.audit.findings import Use
    from segkit.audit.page import report
    from segkit.audit.tables import problems_csv, records_csv, show
    from segkit.data.split_file import split_table
    from segkit.data.splits import SplitSpec
    from segkit.imaging.channels import shown_as

    node = config["dataset"]
    size, crop = image_size(node["size"], "dataset.size"), _crop(node)
    skip, mapped = node["on_bad_record"] == "skip", "mask_values" in node
    use = Use(
        reader.classes,
        size,
        crop,
        skip=skip,
        mapped=mapped,
        channels=channels_of(node["channels"]) if some else None,
        intensity=reader.intensity,
    )
    found = audit(reader, use, SplitSpec(**node["split"]), _mirrored(config, reader))
    write_text(folder / "records.csv", records_csv(found))
    write_text(folder / "problems.csv", problems_csv(found))
    if found.clean is not None:
        write_text(folder / "split.csv", split_table(found.records, found.clean))
    preview = config["augment_preview"] and some
    augmented = _preview(config, reader, found, folder) if preview else b""
    told = shown_as(max((fact.channels for fact in found.facts), default=1))
    subtitle = f"{reader.root}, {len(found.facts)} records" + f"; pictures: {told}" * bool(told)
    name = data_name(node)
    title = f"Check of {name}"
    write_text(folder / "report.html", report(found, reader, title, subtitle, augmented))
    fit = not found.count("error")
    scored = _scored(found.records, call.overrides)
    steps = {"next_step": _train(call.overrides, *scored)} if fit else {}
    if fit and not reader.objects:
        steps["apart"] = _train(call.overrides, *scored, "task=instance")
    show(found, f"{name}: {reader.root}", relative(folder), **steps)
    return fit


def _train(overrides: Sequence[str], *instead: str) -> str:
    """The training that this check was for: with what it was given, less what is its own."""
    own = ("augment_preview", *map(key_of, instead))
    given = (g for g in overrides if key_of(g) not in own)
    return command("train", *given, *instead)


def _scored(records: Sequence[Record], overrides: Sequence[str]) -> tuple[str, ...]:
    """What a training on volumes is given besides: a volume is scored as one."""
    from segkit.data.volumes import file_of

    sliced = any(file_of(record.image) != record.image for record in records)
    asked = any(key_of(given) == "dataset.score_by" for given in overrides)
    return ("dataset.score_by=group",) if sliced and not asked else ()


def _mirrored(config: Any, reader: Any) -> Any:
    from segkit.data.sides import side_cautions, sided

    if not sided(reader.classes):
        return []
    # albumentations takes seconds to import.
    return side_cautions(reader.classes, build_augmentation(config))


def _check_folder(path: Path) -> None:
    """A run's split.csv and report.html have the names of a check's."""
    run = RunFolder(path)
    if run.config.exists() or run.log.exists():
        raise SegkitError(
            "there is a run in this folder, and its split.csv and report.html would be lost",
            where=str(path),
            remedy="choose another hydra.run.dir=, or leave it out",
        )


def _crop(node: Any) -> tuple[int, int] | None:
    """The crop that was asked for; what ``auto`` is every image can give."""
    crop = crop_size(node["crop"], "dataset.crop")
    return None if crop == "auto" else crop


def _preview(config: Any, reader: Any, found: Any, folder: Path) -> bytes:
    # albumentations takes seconds to import.
    from segkit.audit.preview import augment_sheet
    from segkit.drawing.overlay import encode_png, save_png

    node = config["dataset"]
    sheet = augment_sheet(
        reader,
        found,
        build_augmentation(config),
        seed=config["seed"],
        size=image_size(node["size"], "dataset.size"),
        crop=_crop(node),
        channels=channels_of(node["channels"]),
    )
    save_png(folder / "augment.png", sheet)
    return encode_png(sheet)


def main() -> None:
    """Entry point of ``segkit-check``: exit code 1 where training would go wrong."""
    cli.run(lambda composed, call: check(resolved(composed), call), "check")


if __name__ == "__main__":
    main()
