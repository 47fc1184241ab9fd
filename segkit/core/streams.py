"""Words reach every terminal: where it knows no UTF-8, signs are spelled in what it knows.

Every command reads this before it knows what it is to do: nothing slow is imported.
"""

import codecs
import io
import sys

_ERRORS = "segkit.spelled"
_SPELLED = {
    "×": "x",
    "÷": "/",
    "±": "+/-",
    "²": "2",
    "√": "sqrt ",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "·": "-",
    "•": "*",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\N{THIN SPACE}": " ",
    "━": "-",
    "╸": "-",
    "╺": "-",
}


def speak_plainly() -> None:
    """Let stdout and stderr of this process take any text, whatever their encoding is.

    A sign that the encoding lacks is spelled (``×`` as ``x``) or escaped; bytes of a file's name
    that are no text, which Python carries as lone surrogates, go out as they came.
    """
    codecs.register_error(_ERRORS, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where something else has taken its place
            stream.reconfigure(errors=_ERRORS)


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign, after = error.object[error.start], error.start + 1
    if "\udc80" <= sign <= "\udcff":
        return bytes([ord(sign) - 0xDC00]), after
    if sign in _SPELLED:
        return _SPELLED[sign], after
    alone = UnicodeEncodeError(error.encoding, error.object, error.start, after, error.reason)
    return codecs.backslashreplace_errors(alone)
