"""Names of files that are ordinary, and mean something to a shell or a grammar."""

from hypothesis import strategies as st

NAMES = (
    "Müller",
    "数据",
    "data(2)",
    "a=b",
    "it's",
    'a "quoted" name',
    "a,b",
    "[x]",
    "a[1,2]",
    "#1",
    "{}",
    "{a: 1}",
    "R&D",
    "${HOME}",
    "\\${HOME}",
    "${oc.env:HOME}",
    "$HOME",
    "!x!",
    "me@home",
    "12:30",
    "back\\slash",
    "ends in \\",
    " spaces around ",
    "2018",
    "1e3",
    "007",
    "True",
    "nan",
    "yes",
    "choice(a,b)",
    "~",
    "a;b|c>d",
    "%20",
)
ODD = st.text(st.sampled_from("ab1_ .0${}\\'\"[](),=:#&!@~/ü数-+%*?|;\n\t"), max_size=12)
ANY = ODD | st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(NAMES)
