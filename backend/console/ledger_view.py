"""An explanation as a reader sees it: where a score comes from, and which words made it."""

from __future__ import annotations

from markupsafe import Markup

from backend.console.marks import marked
from backend.console.parts import join
from backend.console.prose import plain
from backend.explain.dense import DenseExplanation
from backend.explain.hit import HitExplanation
from backend.explain.ledger import Ledger
from backend.explain.terms import Piece, Side, TermsExplanation, WordShare

ARM_NAMES = {"sparse": "Words (sparse)", "dense": "Meaning (dense)"}


def explanation(hit: HitExplanation) -> Markup:
    """All that is known of one hit: the passage with marks, the words, the sum."""
    parts = [_passage(hit)]
    if hit.terms is not None:
        parts.append(_terms(hit.terms))
    if hit.dense is not None and hit.dense.sentences:
        parts.append(_dense(hit.dense))
    if hit.ledger is not None:
        parts.append(_ledger(hit.ledger))
    parts.append(_links(hit))
    return join(parts)


def _passage(hit: HitExplanation) -> Markup:
    words = hit.terms.words if hit.terms else ()
    written = [span for word in words if word.passage.written for span in word.passage.spans]
    added = [span for word in words if not word.passage.written for span in word.passage.spans]
    return Markup(
        '<section><h3>The passage</h3><div class="quote reader">{}</div><p class="key">'
        '<span><mark class="written">word</mark> written here and asked for</span>'
        '<span><mark class="added">word</mark> made the model add a word that was asked for</span>'
        "</p></section>"
    ).format(marked(hit.text, written, added))


def _terms(terms: TermsExplanation) -> Markup:
    most = max((word.share for word in terms.words), default=0.0) or 1.0
    bars = [_bar(word, most) for word in terms.words]
    if terms.tail.words:
        bars.append(
            _line(
                "tail",
                f"{terms.tail.words} fainter words, together",
                terms.tail.contribution,
                terms.tail.share,
                most,
                "",
            )
        )
    missing = ", ".join(
        word.word if word.written else f"{word.word} (added)" for word in terms.unmatched[:8]
    )
    return Markup(
        '<section><h3>Words: {:.3f}</h3><ul class="bars">{}</ul>{}{}<p class="soft small">{}</p>'
        "</section>"
    ).format(
        terms.score,
        join(bars) or Markup('<li class="soft">No word of the query is found here.</li>'),
        Markup(
            '<p class="small"><span class="soft">Asked for and not found here:</span> {}</p>'
        ).format(missing)
        if missing
        else "",
        _weights(terms) if terms.words else "",
        terms.note,
    )


def _weights(terms: TermsExplanation) -> Markup:
    """The factors behind the bars, for each term that the vectors know, on demand."""
    rows = join(_pieces(word) for word in terms.words)
    if terms.tail.words:
        rows += _weight_row(
            f"{terms.tail.words} fainter words", "", "", "", terms.tail.contribution
        )
    heads = join(
        Markup('<th scope="col" class="{}">{}</th>').format(kind, words)
        for words, kind in (
            ("Word", ""),
            ("Question", "num"),
            ("Rarity", "num"),
            ("Passage", "num"),
            ("Adds", "num"),
        )
    )
    return Markup(
        '<details class="weights"><summary>Weights and pieces</summary><div class="table" '
        'tabindex="0" role="region" aria-label="Weights and pieces"><table class="sum"><thead>'
        '<tr>{}</tr></thead><tbody>{}{}</tbody></table></div><p class="soft small">A word adds its '
        "weight in the question times that in the passage. The former has the word’s rarity in the "
        "knowledge base in it, as a factor.</p></details>"
    ).format(heads, rows, _weight_row("Sum", "", "", "", terms.score, total=True))


def _pieces(word: WordShare) -> Markup:
    """A word with its weights; one of several pieces with those of each."""
    if len(word.pieces) == 1:
        return _piece(word.word, word.pieces[0])
    name = f"{word.word}, {len(word.pieces)} pieces"
    return _weight_row(name, "", "", "", word.contribution) + join(
        _piece(f"– {piece.word}", piece) for piece in word.pieces
    )


def _piece(name: str, piece: Piece) -> Markup:
    return _weight_row(
        name,
        f"{piece.query_weight:.4f}",
        f"× {piece.idf:.3f}",
        f"{piece.passage_weight:.4f}",
        piece.contribution,
    )


def _weight_row(
    name: str, query: str, idf: str, passage: str, adds: float, total: bool = False
) -> Markup:
    return Markup(
        '<tr class="{}"><td>{}</td><td class="num">{}</td><td class="num soft">{}</td>'
        '<td class="num">{}</td><td class="num">{:.4f}</td></tr>'
    ).format("total" if total else "", name, query, idf, passage, adds)


def _bar(word: WordShare, most: float) -> Markup:
    literal = word.query.written and word.passage.written
    return _line(
        "" if literal else "added", word.word, word.contribution, word.share, most, _from(word)
    )


def _line(
    kind: str, word: str, contribution: float, share: float, most: float, below: str
) -> Markup:
    width = max(0.0, min(100.0, 100 * share / most))
    return Markup(
        '<li class="{}"><span class="word" title="{}">{}{}</span>'
        '<span class="track" aria-hidden="true"><i style="width:{:.1f}%"></i></span>'
        '<span class="figure">{:.3f} · {:.0%}</span>{}</li>'
    ).format(
        kind,
        word,
        Markup("<b>+</b> ") if kind == "added" else "",
        word,
        width,
        contribution,
        share,
        Markup('<span class="from">{}</span>').format(below) if below else "",
    )


def _from(word: WordShare) -> str:
    """Which sides it is written on, and what added it where it is not."""
    if word.query.written and word.passage.written:
        return ""
    told = []
    for side, where in ((word.query, "question"), (word.passage, "passage")):
        told.append(_side(side, where))
    return "; ".join(told)


def _side(side: Side, where: str) -> str:
    if side.by_rule:
        return f"put into the {where} by a rule"
    if side.written:
        return f"written in the {where}"
    by = ", ".join(f"“{word}”" for word in side.words[:3])
    return f"added to the {where}" + (f" by {by}" if by else "")


def _dense(dense: DenseExplanation) -> Markup:
    lines = join(
        Markup('<li><span class="figure num soft">{:.2f}</span> {}</li>').format(
            one.cosine, plain(one.text)
        )
        for one in dense.sentences
    )
    return Markup(
        '<section><h3>Meaning: {:.3f}</h3><p class="small soft">Its sentences that are nearest to '
        'the question.</p><ol class="near">{}</ol><p class="soft small">{}</p></section>'
    ).format(dense.cosine, lines, dense.note)


def _ledger(ledger: Ledger) -> Markup:
    rows = [
        _row(
            ARM_NAMES[arm.arm],
            f"{arm.rank:,}" if arm.rank else "not among the candidates",
            f"{arm.score:.4f}" if arm.score is not None else "",
            _how(ledger, arm.weight, arm.rank),
            f"{arm.part:.6f}",
        )
        for arm in ledger.arms
    ]
    rows += [_row("Rule", "", "", rule.effect, f"{rule.part:+.6f}") for rule in ledger.rules]
    rows.append(_row("Fused", f"{ledger.fused_rank:,}", "", "the sum", f"{ledger.fused:.6f}", True))
    if ledger.rerank is not None:
        moved = f"from {ledger.rerank.rank_before} to {ledger.rerank.rank_after}"
        rows.append(_row("Reranker", moved, "", "", f"{ledger.rerank.score:.6f}"))
    if ledger.penalty:
        rows.append(_row("Resembles a hit above", "", "", "", f"{-ledger.penalty:.6f}"))
    if ledger.rerank is not None or ledger.penalty or ledger.place != ledger.fused_rank:
        place = f"{ledger.place:,}" if ledger.place else "not placed"
        rows.append(_row("Final", place, "", "", f"{ledger.score:.6f}", True))
    heads = join(
        Markup('<th scope="col" class="{}">{}</th>').format(kind, words)
        for words, kind in (
            ("Step", ""),
            ("Rank", "num"),
            ("Score", "num"),
            ("How", ""),
            ("Adds", "num"),
        )
    )
    pinned = Markup('<p class="small">A rule pinned it to its place.</p>') if ledger.pinned else ""
    return Markup(
        '<section><h3>Where the score comes from</h3><div class="table" tabindex="0" role="region" '
        'aria-label="Where the score comes from"><table class="sum"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>{}</section>"
    ).format(heads, join(rows), pinned)


def _how(ledger: Ledger, weight: float, rank: int | None) -> str:
    if rank is None:
        return ""
    if ledger.fusion == "rrf":
        return f"{weight:g} ÷ ({ledger.k} + {rank})"
    return f"{weight:g} × the score, scaled ({ledger.fusion})"


def _row(step: str, rank: str, score: str, how: str, adds: str, total: bool = False) -> Markup:
    return Markup(
        '<tr class="{}"><td>{}</td><td class="num">{}</td><td class="num">{}</td>'
        '<td class="soft">{}</td><td class="num">{}</td></tr>'
    ).format("total" if total else "", step, rank, score, how, adds)


def _links(hit: HitExplanation) -> Markup:
    opened = (
        Markup('<a href="{}" rel="noreferrer">Open the page</a>').format(hit.address)
        if hit.address.startswith(("http://", "https://"))
        else ""
    )
    return Markup(
        '<div class="key"><a href="/console/documents/{}">See the whole document</a>{}'
        "<span>version {}</span></div>"
    ).format(hit.document_id, opened, hit.version)
