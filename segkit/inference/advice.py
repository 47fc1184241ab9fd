"""What to do about an input that could not be predicted, in the words of ``segkit.predict``."""

import re

from segkit.core.errors import SegkitError
from segkit.inference.dicom_seg import ASKED

# Where an error is that has its remedy told with it.
TOLD = ("tile=null", "image", ASKED)
# Errors of files say what to set of a data set, and that predict has the same settings.
_ALSO = re.compile(r"; to predict, \w+= does the same")
_SETTING = re.compile(r"\bdataset\.(?=(?:axes|z)=)")


def advice(error: Exception) -> str:
    """The remedy of an error of an image; empty where there is none to tell.

    What the network takes is told with the error itself.
    """
    if not isinstance(error, SegkitError) or error.where in TOLD:
        return ""
    return _SETTING.sub("", _ALSO.sub("", error.remedy))
