"""What was found in a DICOM image as a DICOM-SEG object, which viewers and archives show on it.

A segment is a class, of one bit a pixel; source, geometry, patient and study are the image's. So
the file names the patient: it is written where it is asked for, and nowhere else. What names them
does not pass through highdicom, which logs it: it is copied afterwards.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkit.core.errors import SegkitError, require_packages
from segkit.core.planes import SLICES
from segkit.inference.names import Input

ASKED = "dicom_seg=true"
_WITHOUT = "leave out dicom_seg=true for it"
_NOWHERE = "a DICOM file without a frame of reference, which its kind or several frames need"
_SINGLE = "predict its frames, z=slices, or one of them, z=0; or leave out dicom_seg=true"
# What an object refers to, or lies on.
_REFERRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_IMAGE = (
    *(*_REFERRED, "FrameOfReferenceUID", "PositionReferenceIndicator", "Modality"),
    *("Rows", "Columns", "NumberOfFrames", "InstanceNumber"),
    *("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PatientOrientation"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
# What an archive files it by (PS3.3, C.7.1.1 and C.7.2.1).
_PERSON = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"),
    "StudyDescription",
)
# The last of them, and how much of a deflated file is unpacked to find them.
_LAST, _INFLATED = 0x52009230, 2**24
_SERIES_NUMBER = 1000
_SCHEME, _LONGEST = "99SEGKIT", 64  # of codes that are ours, and of a name in DICOM


@dataclass(frozen=True, slots=True)
class DicomSeg:
    """Writes the DICOM-SEG of one input.

    Attributes:
        one: the input.
        classes: names, background first.
        mark: of the run and its settings: another's objects get other UIDs.
        z: which of several frames were predicted.
    """

    one: Input
    classes: tuple[str, ...]
    mark: str
    z: int | str | None = None

    def write(self, path: Path, mask: NDArray[np.uint8]) -> None:
        """Write a mask.

        Args:
            path: of the file.
            mask: class indices, (H, W); of frames that were predicted each, (S, H, W).

        Raises:
            SegkitError: a file to which no object can refer, or highdicom is not installed.
        """
        require_packages("highdicom", extra="dicomseg")
        from segkit.imaging.quiet import without_highdicom_log, without_pydicom_log

        with without_pydicom_log(), without_highdicom_log():
            image: Any = None
            try:
                image, person = self._source()
                made = self._made(image, self._planes(image, mask))
                _set_place(made, image)
                _add_person(made, person)
                made.save_as(path, enforce_file_format=True)
            except (SegkitError, OSError):
                raise
            except Exception as error:  # whose text may quote any element
                raise _refused(_reason(error, image)) from None

    def _source(self) -> tuple[Any, Any]:
        """Elements of the image, and of the person."""
        from pydicom import Dataset

        from segkit.imaging.dicom_tags import first, read_tags

        wanted = (*_IMAGE, *_PERSON, "SpecificCharacterSet")
        with self.one.stream() as stream:
            image = read_tags(stream, wanted, str(self.one), until=_LAST, inflate=_INFLATED)
        image.decode()
        person = Dataset()
        for keyword in _PERSON:
            if keyword in image:
                person.add_new(keyword, image[keyword].VR, image[keyword].value)
            # highdicom asks for them, and gets nothing.
            setattr(image, keyword, None)
        image.pop("SpecificCharacterSet", None)
        for keyword in _REFERRED:
            if not first(image, keyword):
                raise _refused(f"a DICOM file without the element {keyword}")
        image.setdefault("SliceThickness", None)
        return image, person

    def _planes(self, image: Any, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The mask of every frame."""
        frames = int(image.get("NumberOfFrames") or 1)
        if frames == 1 or self.z == SLICES:
            return mask.reshape(frames, *mask.shape[-2:])
        if not isinstance(self.z, int):
            what = f"the {self.z} of {frames} frames, which is none of them"
            raise SegkitError(f"no DICOM-SEG of {what}", where=ASKED, remedy=_SINGLE)
        planes = np.zeros((frames, *mask.shape), np.uint8)
        planes[self.z] = mask
        return planes

    def _made(self, image: Any, planes: NDArray[np.uint8]) -> Any:
        from highdicom.seg import Segmentation
        from pydicom.uid import generate_uid

        number = image.get("InstanceNumber")
        return Segmentation(
            source_images=[image],
            pixel_array=planes,
            segmentation_type="BINARY",
            segment_descriptions=self._segments(),
            series_instance_uid=generate_uid(entropy_srcs=[image.SeriesInstanceUID, self.mark]),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=generate_uid(entropy_srcs=[image.SOPInstanceUID, self.mark]),
            instance_number=max(1, int(1 if number is None else number)),
            manufacturer="segkit",
            manufacturer_model_name="segkit",
            software_versions=version("segkit"),
            device_serial_number=self.mark,
            content_label="SEGMENTATION",
            series_description="segkit",
        )

    def _segments(self) -> list[Any]:
        from highdicom import AlgorithmIdentificationSequence
        from highdicom.seg import SegmentDescription
        from highdicom.sr import CodedConcept
        from pydicom.sr.codedict import codes

        family = codes.DCM.ArtificialIntelligence
        how = AlgorithmIdentificationSequence("segkit", family, version("segkit"))
        return [
            SegmentDescription(
                segment_number=number,
                segment_label=name[:_LONGEST],
                # What a class is the run does not say in codes: it is called by its name.
                segmented_property_category=codes.SCT.Tissue,
                segmented_property_type=CodedConcept(f"CLASS-{number}", _SCHEME, name[:_LONGEST]),
                algorithm_type="AUTOMATIC",
                algorithm_identification=how,
            )
            for number, name in enumerate(self.classes[1:], start=1)
        ]


def _reason(error: Exception, image: Any) -> str:
    if image is None:
        return "a DICOM file whose elements are damaged"
    if isinstance(error, AttributeError):  # as pydicom tells of an element that is not there
        return f"a DICOM file without the element {error.name}"
    if isinstance(error, ValueError) and "FrameOfReferenceUID" not in image:
        return _NOWHERE
    return "a DICOM file of a kind that highdicom does not refer to"


def _set_place(made: Any, image: Any) -> None:
    """What the image says of where it lies, and no more."""
    shared = made.SharedFunctionalGroupsSequence[0]
    frames = int(image.get("NumberOfFrames") or 1)
    if "PlaneOrientationSequence" not in shared:
        if frames > 1:  # of which highdicom may write the first alone
            raise _refused(_NOWHERE)
        # A radiograph has no depth, which pixel measures must have: its own are the source's.
        shared.pop("PixelMeasuresSequence", None)
        made.PatientOrientation = image.get("PatientOrientation")
        return
    (measures,) = shared.PixelMeasuresSequence
    # Not known, it is empty: highdicom reads no file without it.
    measures.setdefault("SliceThickness", None)
    if frames == 1 and "SpacingBetweenSlices" not in image:
        # highdicom takes slices for 1 mm apart where there is one.
        measures.pop("SpacingBetweenSlices", None)


def _add_person(made: Any, person: Any) -> None:
    """Patient and study as the image names them, in UTF-8, which holds every class's name too."""
    made.SpecificCharacterSet = "ISO_IR 192"
    for element in person:
        value = str(element.value or "") if element.VR == "PN" else element.value
        made.add_new(element.tag, element.VR, value)


def _refused(what: str) -> SegkitError:
    return SegkitError(f"no DICOM-SEG of {what}", where=ASKED, remedy=_WITHOUT)
