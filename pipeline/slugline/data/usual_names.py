"""The names that people give to columns, so that a table of theirs is read without naming any."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# German, French, Spanish, Portuguese, Italian, Dutch, Russian, Arabic, Chinese, Hindi; after the names in English
_ABROAD = {
    "text": (
        "volltext, artikeltext, inhalt, texte, contenu, corps, texto, contenido, cuerpo, conteúdo, corpo, testo, "
        "contenuto, tekst, artikeltekst, inhoud, текст, текст статьи, содержание, النص, نص, المحتوى, "
        "正文, 内容, 內容, 全文, 文本, पाठ, सामग्री"
    ),
    "title": (
        "titel, überschrift, schlagzeile, titre, título, titular, manchete, titolo, kop, заголовок, название, "
        "العنوان, عنوان, 标题, 標題, शीर्षक"
    ),
    "published": (
        "datum, veröffentlicht, erschienen, veröffentlichungsdatum, erscheinungsdatum, date de publication, publié le, "
        "fecha, fecha de publicación, publicado, data de publicação, data di pubblicazione, pubblicato, "
        "publicatiedatum, gepubliceerd, дата, дата публикации, опубликовано, التاريخ, تاريخ, تاريخ النشر, "
        "日期, 发布日期, 发布时间, 發布日期, दिनांक, तारीख, तिथि, प्रकाशन तिथि, data"
    ),
    "source": (
        "quelle, zeitung, medium, journal, fuente, medio, periódico, diario, fonte, jornal, veículo, testata, "
        "giornale, bron, krant, источник, издание, газета, المصدر, مصدر, الصحيفة, 来源, 來源, 媒体, 媒體, स्रोत, अखबार"
    ),
    "url": "lien, enlace, vínculo, ligação, collegamento, koppeling, ссылка, الرابط, رابط, 链接, 網址, 网址, 連結, लिंक",
    "language": "sprache, langue, idioma, lengua, língua, lingua, taal, язык, اللغة, لغة, 语言, 語言, भाषा",
}

# The best-known first; capitals, accents, blanks, `_` and `-` make no difference
_ARTICLE_ID = "article_id, doc_id, document_id, story_id, news_id, article_no, article_number, doc, document"
_PUBLISHED = "published, date, published_at, publication_date, publish_date, pub_date, datetime, timestamp"
_LANGUAGE = f"language, lang, locale, {_ABROAD['language']}"
OF_SENTENCES = {
    "text": (
        "text, sentence, content, body, sentence_text, sent_text, sentences, texts, snippet, paragraph, message, "
        "document_text, article_text, full_text, title_text, article, headline, title, satz, phrase, oración, frase, "
        f"zin, предложение, جملة, 句子, वाक्य, {_ABROAD['text']}"
    ),
    "labels": (
        "labels, label, topics, topic, categories, category, classes, class, tags, tag, annotations, annotation, "
        "targets, target, cats, sent_labels, gold_labels, gold_label, label_text, label_name, classification, theme, y"
    ),
    "article_id": _ARTICLE_ID,
    "split": "split, part, subset",
    "published": f"{_PUBLISHED}, {_ABROAD['published']}",
    "language": _LANGUAGE,
}
OF_ARTICLES = {
    "article_id": _ARTICLE_ID,
    "title": f"title, headline, heading, article_title, {_ABROAD['title']}",
    "text": (
        "text, body, content, article_text, full_text, main_text, article_body, body_text, article, story, "
        f"{_ABROAD['text']}"
    ),
    "published": f"{_PUBLISHED}, date_published, created_at, time, {_ABROAD['published']}",
    "source": (
        f"source, publisher, outlet, newspaper, publication, media, source_name, site, domain, {_ABROAD['source']}"
    ),
    "url": f"url, link, web_url, source_url, href, uri, {_ABROAD['url']}",
    "language": _LANGUAGE,
}


def find_usual(names: Iterable[str], usual: str) -> list[str]:
    """Return those of some names of columns that are usual, the best-known first.

    Examples
    --------
    >>> find_usual(["id", "Pub Date", "date", "VEROFFENTLICHT"], OF_ARTICLES["published"])
    ['date', 'Pub Date', 'VEROFFENTLICHT']
    """
    known = _known(usual)
    return sorted((name for name in names if normal(name) in known), key=lambda name: known[normal(name)])


def is_usual(name: str, usual: str) -> bool:
    """Tell whether the name of a column is usual."""
    return bool(find_usual([name], usual))


def normal(name: object) -> str:
    """Return a column's name without what makes no difference."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", str(name).casefold()) if sign.isalnum())


@lru_cache
def _known(usual: str) -> dict[str, int]:
    """Return usual names without what makes no difference, each with its rank."""
    return {normal(name): rank for rank, name in reversed([*enumerate(usual.split(", "))])}
