"""The few words that Candor says by itself, and the few that it knows a language by.

Everything else in an answer is quoted, or written by a language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.types import Hit

_CLOSEST = 3


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. ``common``: frequent short words that tell it from the others.

    ``continues``: how a question begins that leans on the one before it. ``refers``: words that
    stand for something said before. ``nothing`` and ``closest`` are filled by ``{query}`` and
    ``{pages}``.
    """

    common: frozenset[str]
    continues: tuple[str, ...]
    refers: frozenset[str]
    greetings: frozenset[str]
    thanks: frozenset[str]
    hello: str
    welcome: str
    nothing: str
    closest: str


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _lines(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.split("|"))


LANGUAGES: dict[str, Phrases] = {
    "en": Phrases(
        common=_set(
            "the is are was do does did how what why when where who which can i my you "
            "your of to for and in on with it this that there should could have has not"
        ),
        continues=(
            "and",
            "or",
            "but",
            "also",
            "what about",
            "how about",
            "what if",
            "for",
            "on",
            "in",
            "with",
            "without",
            "if",
            "from",
            "since when",
            "then",
            "so",
            "as for",
        ),
        refers=_set(
            "it its this that these those they them their he him his she her one ones there same"
        ),
        greetings=_lines(
            "hi|hello|hey|hi there|hello there|hey there|good morning|good evening|"
            "good afternoon|greetings"
        ),
        thanks=_lines(
            "thanks|thank you|thank you very much|thanks a lot|many thanks|thx|ty|"
            "ok thanks|great thanks|bye|goodbye"
        ),
        hello="Hello! Ask me a question, and I will look for the answer.",
        welcome="You are welcome. Ask me if there is anything else.",
        nothing="I did not find an answer to this. I searched for “{query}”.",
        closest="The closest pages that I found: {pages}.",
    ),
    "de": Phrases(
        common=_set(
            "der die das ist sind wie was warum wann wo wer welche welcher kann ich mein "
            "meine sie ihr und in auf mit nicht ein eine einen es für zu von gibt werden"
        ),
        continues=(
            "und",
            "oder",
            "aber",
            "auch",
            "was ist mit",
            "wie ist es mit",
            "für",
            "bei",
            "mit",
            "ohne",
            "wenn",
            "seit wann",
            "dann",
            "also",
        ),
        refers=_set(
            "es das dies diese dieser dieses sie ihn ihm ihnen er davon damit dafür dazu darin dort"
        ),
        greetings=_lines("hallo|hi|guten tag|guten morgen|guten abend|servus|moin|grüß gott"),
        thanks=_lines(
            "danke|danke schön|dankeschön|vielen dank|danke sehr|tschüss|auf wiedersehen"
        ),
        hello="Guten Tag! Stellen Sie eine Frage, und ich suche die Antwort.",
        welcome="Gern geschehen. Fragen Sie, wenn Sie noch etwas wissen möchten.",
        nothing="Dazu habe ich keine Antwort gefunden. Gesucht habe ich nach „{query}“.",
        closest="Am nächsten kommen diese Seiten: {pages}.",
    ),
    "fr": Phrases(
        common=_set(
            "le la les est sont comment que quoi pourquoi quand où qui quel quelle puis "
            "je mon ma mes vous votre et dans sur avec pas un une des du pour ce il y"
        ),
        continues=(
            "et",
            "ou",
            "mais",
            "aussi",
            "et si",
            "qu'en est-il",
            "pour",
            "avec",
            "sans",
            "si",
            "depuis quand",
            "alors",
            "donc",
        ),
        refers=_set("il elle ils elles le la les lui leur ce cela ça celui celle ceux celles y en"),
        greetings=_lines("bonjour|salut|bonsoir|coucou"),
        thanks=_lines("merci|merci beaucoup|merci bien|au revoir"),
        hello="Bonjour ! Posez-moi une question et je chercherai la réponse.",
        welcome="Je vous en prie. N’hésitez pas si vous avez une autre question.",
        nothing="Je n’ai pas trouvé de réponse. J’ai cherché « {query} ».",
        closest="Les pages les plus proches : {pages}.",
    ),
    "es": Phrases(
        common=_set(
            "el la los las es son cómo qué por cuándo dónde quién cuál cuánto cuesta "
            "puedo mi mis usted su y en con no un una del para lo hay se"
        ),
        continues=(
            "y",
            "o",
            "pero",
            "también",
            "qué tal",
            "y si",
            "para",
            "con",
            "sin",
            "si",
            "desde cuándo",
            "entonces",
        ),
        refers=_set("él ella ellos ellas lo la los las le les esto eso este esta estos ese esa"),
        greetings=_lines("hola|buenos días|buenas tardes|buenas noches|buenas"),
        thanks=_lines("gracias|muchas gracias|adiós|hasta luego"),
        hello="¡Hola! Hágame una pregunta y buscaré la respuesta.",
        welcome="De nada. Pregúnteme si necesita algo más.",
        nothing="No he encontrado una respuesta. He buscado «{query}».",
        closest="Las páginas más cercanas: {pages}.",
    ),
    "it": Phrases(
        common=_set(
            "il lo la gli le è sono come che cosa perché quando dove chi quale quanto "
            "posso mio mia vostro e nel con non un una del per si sul della"
        ),
        continues=(
            "e",
            "o",
            "ma",
            "anche",
            "e se",
            "che ne è di",
            "per",
            "con",
            "senza",
            "se",
            "allora",
        ),
        refers=_set("esso essa essi lui lei loro lo la li le ciò questo questa quello quella ne"),
        greetings=_lines("ciao|buongiorno|buonasera|salve"),
        thanks=_lines("grazie|grazie mille|molte grazie|arrivederci"),
        hello="Buongiorno! Mi faccia una domanda e cercherò la risposta.",
        welcome="Prego. Mi chieda pure se serve altro.",
        nothing="Non ho trovato una risposta. Ho cercato «{query}».",
        closest="Le pagine più vicine: {pages}.",
    ),
    "pt": Phrases(
        common=_set(
            "o os as é são como que por quando onde quem qual quanto posso meu minha seu "
            "sua e em com não um uma do da para no na há"
        ),
        continues=(
            "e",
            "ou",
            "mas",
            "também",
            "e se",
            "e quanto a",
            "para",
            "com",
            "sem",
            "se",
            "então",
        ),
        refers=_set("ele ela eles elas isso isto este esta esse essa aquele aquela lo la"),
        greetings=_lines("olá|oi|bom dia|boa tarde|boa noite"),
        thanks=_lines("obrigado|obrigada|muito obrigado|muito obrigada|adeus|tchau"),
        hello="Olá! Faça uma pergunta e eu procuro a resposta.",
        welcome="De nada. Pergunte se precisar de mais alguma coisa.",
        nothing="Não encontrei uma resposta. Procurei por “{query}”.",
        closest="As páginas mais próximas: {pages}.",
    ),
    "nl": Phrases(
        common=_set(
            "de het een is zijn hoe wat waarom wanneer waar wie welke kan ik mijn u uw en "
            "in op met niet voor van er dit dat te"
        ),
        continues=(
            "en",
            "of",
            "maar",
            "ook",
            "hoe zit het met",
            "wat als",
            "voor",
            "met",
            "zonder",
            "als",
            "dan",
        ),
        refers=_set("het dit dat deze die zij ze hem haar hun hen daar ervan ermee"),
        greetings=_lines("hallo|hoi|goedemorgen|goedemiddag|goedenavond|goedendag"),
        thanks=_lines("bedankt|dank je|dank u|dank je wel|dank u wel|tot ziens"),
        hello="Goedendag! Stel een vraag, dan zoek ik het antwoord.",
        welcome="Graag gedaan. Vraag gerust verder.",
        nothing="Ik heb hierop geen antwoord gevonden. Ik zocht naar “{query}”.",
        closest="De dichtstbijzijnde pagina's: {pages}.",
    ),
}
"""By ISO 639-1 code."""


def phrases(language: str) -> Phrases:
    """The phrases of a language; English where there are none of it."""
    return LANGUAGES.get(language, LANGUAGES["en"])


def no_answer(language: str, query: str, hits: Sequence[Hit]) -> str:
    """What is said instead of a guess: what was searched for, and the pages that came closest."""
    known = phrases(language)
    said = known.nothing.format(query=query)
    titles = list(dict.fromkeys(hit.title or hit.address for hit in hits))[:_CLOSEST]
    if not titles:
        return said
    return f"{said} {known.closest.format(pages=' · '.join(titles))}"
