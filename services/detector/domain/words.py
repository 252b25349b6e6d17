"""Numbers, times and fixed texts in three languages, written as the page writes them (Intl: en-US, fr-CA, es-US)."""

import math
from datetime import datetime

Span = tuple[datetime, datetime]

LANGUAGES = ("en", "fr", "es")
NO_BREAK = "\u00a0"

HEADLINE = {
    "rising": {"en": "Rising: {need}, {area}", "fr": "En hausse : {need}, {area}", "es": "En aumento: {need}, {area}"},
    "easing": {"en": "Easing: {need}, {area}", "fr": "Se calme : {need}, {area}", "es": "Cediendo: {need}, {area}"},
    "ended": {"en": "Ended: {need}, {area}", "fr": "Terminé : {need}, {area}", "es": "Terminado: {need}, {area}"},
}
COUNTS = {
    "en": "{o} calls since {t}; about {e} would be usual: {r} times.",
    "fr": "{o} appels depuis {t} ; d\u2019habitude environ {e} : {r} fois ce nombre.",
    "es": "{o} llamadas desde las {t}; lo habitual ser\u00edan unas {e}: {r} veces.",
}
COUNTS_NEW = {
    "en": "{o} calls since {t}; hardly any would be usual.",
    "fr": "{o} appels depuis {t} ; d\u2019habitude presque aucun.",
    "es": "{o} llamadas desde las {t}; lo habitual ser\u00eda casi ninguna.",
}
ONE_CALL = {
    "en": ("calls", "call"),
    "fr": ("appels", "appel"),
    "es": ("llamadas", "llamada"),
}
EASING = {
    "en": "Still above usual, falling since {t}.",
    "fr": "Encore au-dessus de l\u2019habitude, en baisse depuis {t}.",
    "es": "A\u00fan por encima de lo habitual, baja desde las {t}.",
}
ENDED = {
    "en": "Back in the usual range since {t}. {n} calls above usual in all.",
    "fr": "Revenu \u00e0 la normale depuis {t}. En tout, {n} appels de plus que d\u2019habitude.",
    "es": "Normal desde las {t}. En total, {n} llamadas m\u00e1s de lo habitual.",
}
JOINED = {
    "en": "Now part of a wider alert.",
    "fr": "Fait maintenant partie d\u2019une alerte plus large.",
    "es": "Ahora forma parte de una alerta m\u00e1s amplia.",
}
CLOSED = {
    "en": "Closed by a coordinator at {t}.",
    "fr": "Close par un coordonnateur \u00e0 {t}.",
    "es": "Cerrada por un coordinador a las {t}.",
}
SPANS = {
    "en": {"week": "week", "year": "year"},
    "fr": {"week": "semaine", "year": "ann\u00e9e"},
    "es": {"week": "una semana normal", "year": "un a\u00f1o normal"},
}
CHANCE = {
    "en": "In an ordinary {span}, the chance of a rise this large here is {p}.",
    "fr": "Dans une {span} ordinaire, la probabilit\u00e9 d\u2019une telle hausse ici est {p}.",
    "es": "En {span}, la probabilidad de un aumento as\u00ed aqu\u00ed es {p}.",
}
ABOUT = {"en": "about {p}", "fr": "d\u2019environ {p}", "es": "de un {p}"}
UNDER = {"en": "under 1%", "fr": "de moins de 1" + NO_BREAK + "%", "es": "de menos de 1" + NO_BREAK + "%"}
LIKELY = 0.5
"""A rise that chance brings in more than this share of weeks could well be chance."""
LIKELY_CHANCE = {
    "en": "This could well be chance.",
    "fr": "Il peut tr\u00e8s bien s\u2019agir du hasard.",
    "es": "Bien podr\u00eda ser casualidad.",
}


def number(value: float, language: str, digits: int = 0) -> str:
    """A number with its language's separators.

    >>> number(1234.5, "en"), number(1234.5, "fr"), number(2.66, "fr", 1), number(2.0, "es", 1)
    ('1,234', '1\\xa0234', '2,7', '2')
    """
    text = f"{value:,.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    if language != "fr":
        return text
    return text.replace(",", NO_BREAK).replace(".", ",")


def percent(share: float, language: str) -> str:
    """A share as whole percent.

    >>> percent(0.034, "en"), percent(0.034, "fr")
    ('3%', '3\\xa0%')
    """
    gap = "" if language == "en" else NO_BREAK
    return f"{number(100 * share, language)}{gap}%"


def moment(local: datetime, now: datetime, language: str) -> str:
    """A time of day with its zone, and the day when it is not today.

    >>> from datetime import timezone, timedelta
    >>> zone = timezone(timedelta(hours=-5), "CDT")
    >>> now = datetime(2026, 7, 26, 2, 5, tzinfo=zone)
    >>> moment(datetime(2026, 7, 25, 23, 40, tzinfo=zone), now, "en")
    '23:40 CDT (Sat Jul 25)'
    >>> moment(datetime(2026, 7, 26, 1, 0, tzinfo=zone), now, "fr")
    '01 h 00 CDT'
    """
    told = f"{clock(local, language)} {local.tzname()}"
    if local.date() == now.date():
        return told
    return f"{told} ({_day(local, language)})"


ABOUT_TIME = {"en": "about {t}", "fr": "vers {t}", "es": "hacia las {t}"}
BETWEEN = {"en": "between {a} and {b}", "fr": "entre {a} et {b}", "es": "entre las {a} y las {b}"}


def between(span: Span, now: datetime, language: str, *, after: Span | None = None) -> str:
    """Two moments, with one zone and one day where they share them; one moment when no clock tells them apart.

    Args:
        span: the two.
        now: a moment whose day need not be said.
        language: of the text.
        after: another span that follows at once, so that what both share is said there.

    >>> from datetime import timezone, timedelta
    >>> noon = datetime(2026, 7, 26, 12, 0, tzinfo=timezone(timedelta(hours=-5), "CDT"))
    >>> between((noon, noon + timedelta(hours=1)), noon, "en")
    'between 12:00 and 13:00 CDT'
    >>> between((noon - timedelta(days=1), noon), noon, "es")
    'entre las 12:00 CDT (sáb 25 jul) y las 12:00 CDT'
    """
    shared = len({(time.date(), time.tzname()) for time in span}) == 1
    with_next = after is not None and len({(time.date(), time.tzname()) for time in (*span, *after)}) == 1
    first = clock(span[0], language) if shared else moment(span[0], now, language)
    last = clock(span[1], language) if with_next else moment(span[1], now, language)
    if clock(span[0], language) == clock(span[1], language) and shared:
        return ABOUT_TIME[language].format(t=last)
    return BETWEEN[language].format(a=first, b=last)


DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "es": ("lun", "mar", "mi\u00e9", "jue", "vie", "s\u00e1b", "dom"),
}
MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "fr": (
        "janv.",
        "f\u00e9vr.",
        "mars",
        "avr.",
        "mai",
        "juin",
        "juill.",
        "ao\u00fbt",
        "sept.",
        "oct.",
        "nov.",
        "d\u00e9c.",
    ),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
}


def clock(local: datetime, language: str) -> str:
    """A time of day without its zone."""
    return local.strftime("%H h %M" if language == "fr" else "%H:%M")


def _day(local: datetime, language: str) -> str:
    weekday, month = DAYS[language][local.weekday()], MONTHS[language][local.month - 1]
    return f"{weekday} {month} {local.day}" if language == "en" else f"{weekday} {local.day} {month}"


def chance(recurrence_days: float, language: str) -> str:
    """How probable a rise this large is in an ordinary week or year, by chance alone.

    Of a year it speaks from where that is no longer likely: a rarer rise must never read as the weaker one.

    >>> chance(12.0, "en")
    'In an ordinary week, the chance of a rise this large here is about 44%.'
    >>> chance(90_000.0, "en")
    'In an ordinary year, the chance of a rise this large here is under 1%.'
    """
    span, days = ("year", 365.0) if recurrence_days * math.log(2.0) >= 365.0 else ("week", 7.0)
    share = 1.0 - math.exp(-days / recurrence_days)
    if span == "week" and share > LIKELY:
        return LIKELY_CHANCE[language]
    text = UNDER[language] if share < 0.01 else ABOUT[language].format(p=percent(share, language))
    return CHANCE[language].format(span=SPANS[language][span], p=text)


def counts(observed: int, expected: float, since: str, language: str) -> str:
    """How many, since when, against how many.

    >>> counts(84, 31.2, "23:40 CDT", "en")
    '84 calls since 23:40 CDT; about 31 would be usual: 2.7 times.'
    """
    template = COUNTS if expected >= 0.5 else COUNTS_NEW
    text = template[language].format(
        o=number(observed, language),
        t=since,
        e=number(expected, language, 0 if expected >= 9.5 else 1),
        r=number(observed / max(expected, 1e-9), language, 1),
    )
    many, one = ONE_CALL[language]
    return text.replace(f"1 {many} ", f"1 {one} ", 1) if observed == 1 else text


def ended(above: float, since: str, language: str) -> str:
    """How it ended: since when it is usual again, and how many calls there were above usual.

    >>> ended(53.4, "23:40 CDT", "en")
    'Back in the usual range since 23:40 CDT. 53 calls above usual in all.'
    """
    calls = max(0, round(above))
    text = ENDED[language].format(t=since, n=number(calls, language))
    many, one = ONE_CALL[language]
    return text.replace(f" 1 {many} ", f" 1 {one} ", 1) if calls == 1 else text
