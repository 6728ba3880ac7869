"""Which languages write a word: the letters beyond a to z of the languages that code pages were made for."""

# What people call Western, Central European, Turkish and Baltic; small letters, as many as their words really have
WESTERN = (
    "àâæçéèêëîïôœùûÿ",  # French
    "äöüßéà",  # German
    "áéíñóúüïç",  # Spanish
    "ãáàâçéêíõóôú",  # Portuguese
    "àèéìíòóùúî",  # Italian
    "ëïéèöüáóê",  # Dutch
    "æøåéèêóòâô",  # Danish, Norwegian
    "åäöéüàšž",  # Swedish, Finnish
    "áðéíóúýþæö",  # Icelandic
    "àéèíïóòúüç",  # Catalan
)
CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "čćđšž",  # Croatian, Bosnian, Serbian, Slovene
    "ăâîşţ",  # Romanian
    "äöüß",  # German
)
TURKISH = ("çğıöşüâîû",)
BALTIC = ("āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž")  # Latvian, Lithuanian, Estonian
_APOSTROPHES_AND_DASHES = dict.fromkeys(map(ord, "’‘“”„‚«»‹›…–—•·\xa0\xad®©™°¡¿ªº§£€¢¥×"), " ")
_UNITS = ("m²", "m³", "km²", "cm²", "cm³")


def is_written(word: str, alphabets: tuple[str, ...]) -> bool:
    """Tell whether one of some languages writes a word so, signs around it and between its parts set aside.

    Examples
    --------
    >>> is_written("trêve", WESTERN), is_written("d’été", WESTERN), is_written("Wa³êsa", WESTERN)
    (True, True, False)
    """
    return all(_is_written(part, alphabets) for part in word.translate(_APOSTROPHES_AND_DASHES).split())


def _is_written(part: str, alphabets: tuple[str, ...]) -> bool:
    """Tell whether one of some languages has all letters of a part of a word, capitals in their place."""
    letters = {sign for sign in part.lower() if not sign.isascii()}
    if not letters or part in _UNITS:
        return True
    in_place = part.isupper() or part[1:] == part[1:].lower() or part.isascii()
    return in_place and any(letters.issubset(alphabet) for alphabet in alphabets)
