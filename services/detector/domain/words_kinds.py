"""Fixed texts of the alerts that are not surges, in three languages, written as `words` writes them."""

from services.detector.domain.words import number, percent

HEADLINES: dict[str, dict[str, dict[str, str]]] = {
    "trigger": {
        "rising": {
            "en": "Plan rule met: {need}, {area}",
            "fr": "R\u00e8gle du plan atteinte : {need}, {area}",
            "es": "Regla del plan alcanzada: {need}, {area}",
        },
        "easing": {
            "en": "Plan rule no longer met: {need}, {area}",
            "fr": "R\u00e8gle du plan plus atteinte : {need}, {area}",
            "es": "Regla del plan ya no alcanzada: {need}, {area}",
        },
    },
    "trend": {
        "rising": {
            "en": "Rising slowly: {need}, {area}",
            "fr": "En lente hausse : {need}, {area}",
            "es": "En lento aumento: {need}, {area}",
        },
        "easing": {
            "en": "No longer rising: {need}, {area}",
            "fr": "N\u2019augmente plus : {need}, {area}",
            "es": "Ya no aumenta: {need}, {area}",
        },
    },
    "drop": {
        "rising": {
            "en": "Fewer calls: {need}, {area}",
            "fr": "Moins d\u2019appels : {need}, {area}",
            "es": "Menos llamadas: {need}, {area}",
        },
        "easing": {
            "en": "Calls are coming back: {need}, {area}",
            "fr": "Les appels reviennent : {need}, {area}",
            "es": "Vuelven las llamadas: {need}, {area}",
        },
    },
    "silence": {
        "rising": {
            "en": "Silent feed: {source}, {area}",
            "fr": "Source muette : {source}, {area}",
            "es": "Fuente en silencio: {source}, {area}",
        },
        "ended": {
            "en": "Feed is back: {source}, {area}",
            "fr": "Source de retour : {source}, {area}",
            "es": "Fuente de vuelta: {source}, {area}",
        },
    },
}
"""By kind and status; an ended alert of a need has the headline of all ended ones (`words.HEADLINE`)."""

ALL_CALLS = {"en": "All calls", "fr": "Tous les appels", "es": "Todas las llamadas"}

IN_WINDOW = {
    "en": "{o} calls in the last {h} hours; the rule of the emergency plan is {c} in {h} hours.",
    "fr": "{o} appels dans les {h} derni\u00e8res heures ; la r\u00e8gle du plan d\u2019urgence est {c} en {h} heures.",
    "es": "{o} llamadas en las \u00faltimas {h} horas; la regla del plan de emergencia es {c} en {h} horas.",
}
IN_AN_HOUR = {
    "en": "{o} calls in the last hour; the rule of the emergency plan is {c} in an hour.",
    "fr": "{o} appels dans la derni\u00e8re heure ; la r\u00e8gle du plan d\u2019urgence est {c} en une heure.",
    "es": "{o} llamadas en la \u00faltima hora; la regla del plan de emergencia es {c} en una hora.",
}
USUAL_SO_FAR = {
    "en": "About {e} would be usual since {t}.",
    "fr": "D\u2019habitude environ {e} depuis {t}.",
    "es": "Lo habitual ser\u00edan unas {e} desde las {t}.",
}
USUAL_UNKNOWN = {
    "en": "What is usual here is not known yet.",
    "fr": "Ce qui est habituel ici n\u2019est pas encore connu.",
    "es": "A\u00fan no se sabe qu\u00e9 es lo habitual aqu\u00ed.",
}
SO_MANY_SINCE = {
    "en": "{o} calls since {t}; about {e} would be usual.",
    "fr": "{o} appels depuis {t} ; d\u2019habitude environ {e}.",
    "es": "{o} llamadas desde las {t}; lo habitual ser\u00edan unas {e}.",
}
GROWS = {
    "en": "It has grown by about {p} a week.",
    "fr": "Hausse d\u2019environ {p} par semaine.",
    "es": "Ha crecido alrededor de un {p} por semana.",
}
GROWS_NO_MORE = {
    "en": "It no longer grows, and stays above its old level.",
    "fr": "Plus de hausse, mais toujours au-dessus de l\u2019ancien niveau.",
    "es": "Ya no crece y sigue por encima del nivel anterior.",
}
NEW_LEVEL = {
    "en": "It has stopped growing; what was reached is now taken as usual.",
    "fr": "La hausse s\u2019est arr\u00eat\u00e9e ; le niveau atteint est d\u00e9sormais tenu pour habituel.",
    "es": "Ha dejado de crecer; el nivel alcanzado se toma ahora como habitual.",
}
FEEDS_ARE_LIVE = {
    "en": "The feeds that tell of it are live.",
    "fr": "Les sources qui en parlent sont actives.",
    "es": "Las fuentes que informan de ello est\u00e1n activas.",
}
COMING_BACK = {
    "en": "The last hours are near usual.",
    "fr": "Les derni\u00e8res heures sont presque habituelles.",
    "es": "Las \u00faltimas horas son casi habituales.",
}
USUAL_AGAIN = {
    "en": "Back in the usual range since {t}. {n} calls were missing in all.",
    "fr": "Revenu \u00e0 la normale depuis {t}. En tout, {n} appels ont manqu\u00e9.",
    "es": "Normal desde las {t}. En total faltaron {n} llamadas.",
}
STAYS_LOW = {
    "en": "It has stayed so for two weeks and is no longer news.",
    "fr": "C\u2019est ainsi depuis deux semaines : ce n\u2019est plus une nouvelle.",
    "es": "Sigue as\u00ed desde hace dos semanas: ya no es novedad.",
}
NO_CALLS = {
    "en": "No calls since {t}; about {e} would be usual by now. What it tells of cannot be seen.",
    "fr": "Aucun appel depuis {t} ; d\u2019habitude environ {e} \u00e0 ce stade. Son contenu reste invisible.",
    "es": "Ninguna llamada desde las {t}; lo habitual ser\u00edan unas {e} hasta ahora. No se ve lo que informa.",
}
NO_BATCH = {
    "en": "No batch since {t}, longer than ever before. What it tells of cannot be seen.",
    "fr": "Aucun envoi depuis {t}, plus longtemps que jamais. Son contenu reste invisible.",
    "es": "Ning\u00fan env\u00edo desde las {t}, m\u00e1s tiempo que nunca. No se ve lo que informa.",
}
HEARD_AGAIN = {
    "en": "Calls have come again since {t}.",
    "fr": "Les appels arrivent de nouveau depuis {t}.",
    "es": "Vuelven a llegar llamadas desde las {t}.",
}
NO_LONGER_MET = {
    "en": "It has not been met since {t}.",
    "fr": "Elle n\u2019est plus atteinte depuis {t}.",
    "es": "No se alcanza desde las {t}.",
}
RULE_GONE = {
    "en": "The plan no longer has this rule.",
    "fr": "Le plan ne contient plus cette r\u00e8gle.",
    "es": "El plan ya no contiene esta regla.",
}


def calls(value: float, language: str) -> str:
    """A number of calls: whole, or with a digit when it is small.

    >>> calls(31.2, "en"), calls(3.25, "fr")
    ('31', '3,2')
    """
    return number(value, language, 0 if value >= 9.5 else 1)


def window(observed: float, count: float, hours: float, language: str) -> str:
    """What a rule says and what came.

    >>> window(24, 20, 3, "en")
    '24 calls in the last 3 hours; the rule of the emergency plan is 20 in 3 hours.'
    """
    template = IN_AN_HOUR if hours == 1 else IN_WINDOW
    numbers = {"o": number(observed, language), "c": number(count, language), "h": number(hours, language)}
    return _singular(template[language].format(**numbers), observed, language)


def so_many(observed: float, expected: float, since: str, language: str) -> str:
    """How many since when, against how many.

    >>> so_many(1, 14.0, "23:40 CDT", "en")
    '1 call since 23:40 CDT; about 14 would be usual.'
    """
    text = SO_MANY_SINCE[language].format(o=number(observed, language), e=calls(expected, language), t=since)
    return _singular(text, observed, language)


def grows(weekly: float, language: str) -> str:
    """Growth of a slow trend.

    >>> grows(0.22, "en")
    'It has grown by about 22% a week.'
    """
    return GROWS[language].format(p=percent(weekly, language))


def _singular(text: str, observed: float, language: str) -> str:
    many, one = {"en": ("calls", "call"), "fr": ("appels", "appel"), "es": ("llamadas", "llamada")}[language]
    return text.replace(f"1 {many} ", f"1 {one} ", 1) if round(observed) == 1 else text
