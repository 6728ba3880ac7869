"""Dates in words of other languages than English, put into English for dateutil."""

import re
import unicodedata

# From January to December; of each the forms that stand in dates, in German, French, Spanish, Portuguese, Italian,
# Dutch, Russian, Arabic and Hindi. Capitals and accents make no difference. No name is that of two months.
MONTHS = {
    "January": (
        "januar jänner jan jän janvier janv enero ene janeiro gennaio gen januari январь января янв يناير جانفي "
        "كانون_الثاني जनवरी"
    ),
    "February": (
        "februar feb febr février févr fév febrero fevereiro fev febbraio februari февраль февраля фев فبراير فيفري "
        "شباط फ़रवरी फरवरी"
    ),
    "March": "märz mär mrz mars marzo mar março maart mrt март марта мар مارس آذار मार्च",
    "April": "april apr avril avr abril abr aprile апрель апреля апр أبريل إبريل أفريل نيسان अप्रैल",
    "May": "mai mayo maio maggio mag mei май мая مايو ماي أيار मई",
    "June": "juni jun juin junio junho giugno giu июнь июня июн يونيو جوان حزيران जून",
    "July": "juli jul juillet juil julio julho luglio lug июль июля июл يوليو جويلية تموز जुलाई",
    "August": "august aug août agosto ago augustus август августа авг أغسطس أوت آب अगस्त",
    "September": (
        "september sep sept septembre septiembre setiembre setembro set settembre сентябрь сентября сен سبتمبر أيلول "
        "सितंबर सितम्बर"
    ),
    "October": (
        "oktober okt octobre oct octubre outubro out ottobre ott октябрь октября окт أكتوبر تشرين_الأول अक्टूबर अक्तूबर"
    ),
    "November": "november nov novembre noviembre novembro ноябрь ноября ноя نوفمبر تشرين_الثاني नवंबर नवम्बर",
    "December": (
        "dezember dez décembre déc diciembre dic dezembro dicembre december dec декабрь декабря дек ديسمبر "
        "كانون_الأول दिसंबर दिसम्बर"
    ),
}
# What stands in dates and says nothing more: articles and the like, days of the week
_FILLERS = (
    "de del den der le il el di г года montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo "
    "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira lunedì martedì mercoledì giovedì venerdì sabato "
    "domenica maandag dinsdag woensdag donderdag vrijdag zaterdag zondag понедельник вторник среда четверг пятница "
    "суббота воскресенье الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد "
    "सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार"
)
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})[日号]\s*(?:星期\S)?")
_ORDINAL = re.compile(r"(?<=\d)(?:er|o|a)\b|(?<=\d)°")


def _fold(text: str) -> str:
    """Return a text without capitals and accents, its digits as 0 to 9."""
    letters = (sign for sign in unicodedata.normalize("NFKD", text.casefold()) if unicodedata.category(sign)[0] != "M")
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in letters)


_ENGLISH = {_fold(name.replace("_", " ")): month for month, names in MONTHS.items() for name in names.split()}
_ENGLISH |= dict.fromkeys(map(_fold, _FILLERS.split()), "")
_KNOWN = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, sorted(_ENGLISH, key=len, reverse=True)))})(?!\w)\.?,?")


def to_english(text: str) -> str:
    """Return a date with the words of other languages in English, where it has such; others stay.

    Examples
    --------
    >>> to_english("Dienstag, 5. März 2024").split(), to_english("5 de marzo de 2024").split()
    (['5.', 'March', '2024'], ['5', 'March', '2024'])
    >>> to_english("2024年3月5日"), to_english("soon")
    ('2024-3-5', 'soon')
    """
    folded = _CHINESE.sub(r"\1-\2-\3 ", _fold(text)).strip()
    known = _KNOWN.sub(lambda word: f" {_ENGLISH[word[1]]} ", _ORDINAL.sub("", folded))
    return text if known == _fold(text) else known
