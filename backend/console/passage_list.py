"""A document as it was read, and beside it its passages: what each says, and what finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from markupsafe import Markup

from backend.console.parts import badge, join, note, when
from backend.console.prose import prose
from backend.console.strongest import StrongTerm
from backend.console.words import count
from knowledge.store.tables import Chunk, Document, PassageEdit

KEY = Markup(
    '<span class="term">word <small>weight</small></span> written in the passage '
    '<span class="term added">word</span> added by the model'
)


def pairs(
    row: Document,
    chunks: Sequence[Chunk],
    terms: Mapping[UUID, Sequence[StrongTerm]],
    edits: Mapping[UUID, PassageEdit],
    may_edit: bool,
) -> Markup:
    """Each passage beside the words of the document that it was cut from."""
    parts, at = [], 0
    for chunk in chunks:
        between = row.text[at : chunk.span_start].strip()
        if between:
            parts.append(
                Markup('<div class="pair"><div class="reader soft">{}</div></div>').format(
                    prose(between)
                )
            )
        edit = edits.get(chunk.edit_id) if chunk.edit_id else None
        original = edit.original if edit else chunk.text
        text = (chunk.repeated + "\n" if chunk.repeated else "") + original
        parts.append(
            Markup('<article class="pair"><div class="reader{}">{}</div>{}</article>').format(
                " soft" if chunk.hidden else "",
                prose(text),
                _passage(chunk, terms.get(chunk.id, ()), edit, may_edit),
            )
        )
        at = max(at, chunk.span_end)
    return join(parts)


def _passage(
    chunk: Chunk, terms: Sequence[StrongTerm], edit: PassageEdit | None, may_edit: bool
) -> Markup:
    place = " › ".join(chunk.heading)
    if chunk.page is not None:
        place = f"Page {chunk.page}" + (f" · {place}" if place else "")
    marks = []
    if chunk.hidden:
        marks.append(badge("Hidden from search", "quiet"))
    if edit is not None and chunk.text != edit.original:
        marks.append(badge("Edited", "busy still"))
    return Markup(
        '<div class="passage"><h2>Passage {} {}</h2><p class="small soft">{}{}</p>{}'
        '<div class="terms">{}</div>{}</div>'
    ).format(
        chunk.ordinal + 1,
        join(marks, " "),
        f"{place} · " if place else "",
        count(len(chunk.text), "character"),
        _edited(chunk, edit),
        _terms(terms),
        _acts(chunk, edit) if may_edit else "",
    )


def _terms(terms: Sequence[StrongTerm]) -> Markup:
    if not terms:
        return Markup('<span class="soft small">Not in the index yet.</span>')
    return join(
        Markup('<span class="term {}">{} <small>{:.2f}</small></span>').format(
            "" if term.written else "added", term.word, term.weight
        )
        for term in terms
    )


def _edited(chunk: Chunk, edit: PassageEdit | None) -> Markup:
    """What searches find instead of the document's words, and who wrote it."""
    if edit is None:
        return Markup("")
    who = Markup('<p class="small soft">by {}, {}</p>').format(edit.editor, when(edit.updated_at))
    if chunk.text == edit.original:
        return who
    return Markup('<div class="reader edited">{}</div>{}').format(prose(chunk.text), who)


def _acts(chunk: Chunk, edit: PassageEdit | None) -> Markup:
    """Buttons that a page listens to: :func:`pressed`."""
    acts = [("edit", "Edit"), ("show", "Show in search") if chunk.hidden else ("hide", "Hide")]
    if edit is not None and edit.text != edit.original:
        acts.append(("restore", "Take the edit back"))
    return Markup('<div class="actions">{}</div>').format(
        join(
            Markup(
                '<button type="button" class="link" data-act-on="{}" data-act="{}">{}'
                '<span class="unseen"> passage {}</span></button>'
            ).format(chunk.id, act, words, chunk.ordinal + 1)
            for act, words in acts
        )
    )


PRESSED = """(event) => {
  const button = event.target.closest('[data-act-on]');
  if (button) emit(button.dataset.act, button.dataset.actOn);
}"""
"""Hands on which button of a list was pressed: its act, and the id of its passage or edit."""


def lost(edits: Sequence[PassageEdit], may_edit: bool) -> Markup:
    """Edits whose words have gone from the document, each with what it said."""
    if not edits:
        return Markup("")
    shown = join(
        Markup(
            '<article class="pair"><div class="reader soft"><p class="small">The document said</p>'
            '{}</div><div class="passage"><p class="small soft">{} by {}, {}</p>{}{}</div>'
            "</article>"
        ).format(
            prose(edit.original),
            "Hidden" if edit.text == edit.original else "Edited",
            edit.editor,
            when(edit.updated_at),
            Markup('<div class="reader edited">{}</div>').format(prose(edit.text))
            if edit.text != edit.original
            else "",
            Markup(
                '<div class="actions"><button type="button" class="link" data-act-on="{}" '
                'data-act="discard">Discard</button></div>'
            ).format(edit.id)
            if may_edit
            else "",
        )
        for edit in edits
    )
    return note(
        "warn",
        f"{count(len(edits), 'edit')} no longer applied",
        "The document has changed in these words since. Look whether its new words are right, edit "
        "them anew where they are not, and discard what is done with.",
    ) + Markup('<div class="card pairs">{}</div>').format(shown)
