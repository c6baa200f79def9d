"""Who comes in: API tokens, users with their roles, and the record of what was done."""

from __future__ import annotations

import json
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from backend.console.adding import opener
from backend.console.audit_words import act
from backend.console.forms import Act, button, choice, confirm, dialog, field, foot
from backend.console.frame import done, head, page, tabs
from backend.console.listing import Pager
from backend.console.pages.system import TABS
from backend.console.parts import badge, empty, show, table, when
from backend.console.visit import Visit
from backend.console.words import ROLES
from knowledge.store.paging import PageRequest, read_page
from knowledge.store.queries.credentials import tokens
from knowledge.store.queries.people import audit, users
from knowledge.store.tables import ApiToken, AuditEntry, Role, User, utc_now

_MOST = 500
_LIMIT = 50


@page("/system/tokens", "system", Role.ADMIN)
async def tokens_page(visit: Visit) -> None:
    """The API tokens of the workspace."""
    async with visit.database.reading() as session:
        rows = list(
            await session.scalars(
                tokens(visit.workspace_id).order_by(ApiToken.created_at.desc()).limit(_MOST)
            )
        )
    with head("System", below="Programs come in with a token, each with a role of its own."):
        button("New token", _new_token(visit), "primary")
    tabs("API tokens", *TABS)
    if not rows:
        show(
            empty(
                "system",
                "No token yet",
                "A program sends it with every request: Authorization: Bearer candor_…",
            ),
            classes="card",
        )
        return
    with ui.element("div").classes("stack"):
        for row in rows:
            _token(visit, row)


def _token(visit: Visit, row: ApiToken) -> None:
    now = utc_now()
    state = badge("Good", "good")
    if row.revoked_at:
        state = badge("Revoked", "quiet")
    elif row.expires_at and row.expires_at < now:
        state = badge("Past its time", "quiet")
    with ui.element("article").classes("card pad head").style("margin:0"):
        show(
            Markup(
                '<h2>{} {}</h2><p class="figures"><span><code>{}…</code></span><span>{}</span>'
                "<span>made {}</span><span>last used {}</span></p>"
            ).format(
                row.name, state, row.prefix, row.role, when(row.created_at), when(row.last_used_at)
            ),
            classes="title",
        )
        if not row.revoked_at:
            button("Revoke", _revoke(visit, row), "danger tiny")


def _revoke(visit: Visit, row: ApiToken) -> Act:
    async def revoke() -> None:
        await visit.send("DELETE", f"/tokens/{row.id}")
        ui.navigate.reload()

    made = confirm(
        f"Revoke {row.name}?",
        "Programs that use it are refused at once. It cannot be undone.",
        "Revoke",
        revoke,
    )
    return opener(made)


def _new_token(visit: Visit) -> Act:
    with dialog("New API token") as made:
        name = field("Name", help="What it is for, such as shop backend.")
        role = choice("Role", _roles(visit), "viewer")

        async def create() -> None:
            body = {"name": name.value, "role": role.value}
            token = await visit.send("POST", "/tokens", body)
            made.close()
            _once(
                "Your new token", token["token"], "Copy it now: it is not kept and not shown again."
            )

        with foot(made):
            button("Create", create, "primary")
    return opener(made)


def _once(title: str, secret: str, words: str) -> None:
    """A dialog with something that is shown this one time."""
    with dialog(title) as made:
        made.props("persistent")
        show(
            Markup(
                '<p class="soft">{}</p><p class="secret" id="secret" tabindex="0">{}</p>'
            ).format(words, secret),
            classes="stack",
        )
        with ui.element("div").classes("foot"):
            show(Markup('<button class="q-btn" data-act="copy" data-copy="#secret">Copy</button>'))

            async def close() -> None:
                made.close()
                ui.navigate.reload()

            button("Done", close, "primary")
    made.open()


@page("/system/users", "system", Role.ADMIN)
async def users_page(visit: Visit) -> None:
    """The users of the workspace."""
    async with visit.database.reading() as session:
        rows = list(
            await session.scalars(users(visit.workspace_id).order_by(User.created_at).limit(_MOST))
        )
    with head("System", below="People come in with a password, or a link that works once."):
        button("New user", _new_user(visit), "primary")
    tabs("Users", *TABS)
    with ui.element("div").classes("stack"):
        for row in rows:
            _user(visit, row)


def _user(visit: Visit, row: User) -> None:
    state = badge("Locked out", "bad") if row.disabled_at else ""
    with ui.element("article").classes("card pad head").style("margin:0"):
        show(
            Markup(
                '<h2>{} {}</h2><p class="figures"><span>{}</span><span>since {}</span></p>'
            ).format(row.email, state, ROLES[row.role], when(row.created_at)),
            classes="title",
        )
        if not visit.may(Role(row.role)):
            return
        with ui.element("div").classes("actions"):
            button("Change", _change_user(visit, row), "tiny")
            if not row.disabled_at:
                button("Sign-in link", _link(visit, row.email), "tiny")
                button("Sign out everywhere", _sign_out(visit, row), "tiny")


def _link(visit: Visit, email: str) -> Act:
    async def make() -> None:
        await _show_link(visit, email)

    return make


def _sign_out(visit: Visit, row: User) -> Act:
    async def sign_out() -> None:
        await visit.send("DELETE", f"/users/{row.id}/sessions")
        done(f"{row.email} is signed out everywhere.")

    return sign_out


async def _show_link(visit: Visit, email: str) -> None:
    link = await visit.send("POST", "/sign-in-links", {"email": email})
    request = ui.context.client.request
    here = f"{request.url.scheme}://{request.headers.get('host', '')}"
    origin = visit.state.options.public_url or here
    _once(
        "A link to sign in",
        origin + link["path"],
        f"Send it to {email}. It works once, within 24 hours, and lets them set a new "
        "password. Links made before have stopped working.",
    )


def _change_user(visit: Visit, row: User) -> Act:
    with dialog(row.email) as made:
        name = field("Name", row.name)
        role = choice("Role", _roles(visit), str(row.role))
        locked = ui.checkbox("Locked out", value=row.disabled_at is not None)

        async def save() -> None:
            body = {"name": name.value, "role": role.value, "disabled": locked.value}
            await visit.send("PATCH", f"/users/{row.id}", body)
            done("Saved.")
            ui.navigate.reload()

        with foot(made):
            button("Save", save, "primary")
    return opener(made)


def _new_user(visit: Visit) -> Act:
    with dialog("New user") as made:
        email = field("E-mail address")
        name = field("Name")
        role = choice("Role", _roles(visit), "editor")

        async def create() -> None:
            body = {"email": email.value, "name": name.value, "role": role.value}
            row = await visit.send("POST", "/users", body)
            made.close()
            await _show_link(visit, row["email"])

        with foot(made):
            button("Create", create, "primary")
    return opener(made)


def _roles(visit: Visit) -> dict[str, str]:
    """The roles that this person may hand out."""
    return {role: words for role, words in ROLES.items() if visit.may(Role(role))}


@page("/system/audit", "system", Role.ADMIN)
async def audit_page(visit: Visit, after: str = "") -> None:
    """Who did what, newest first."""
    head("System", below="Who did what, newest first. Nothing is ever taken out of it here.")
    tabs("Audit log", *TABS)
    pager = Pager(after)

    async def draw(cursor: str) -> None:
        await visit.check(Role.ADMIN)
        async with visit.database.reading() as session:
            found = await read_page(
                session,
                audit(visit.workspace_id),
                AuditEntry,
                PageRequest(_LIMIT, cursor),
                newest_first=True,
            )
        heads = (("Act", "fill"), ("Who", ""), ("When", "when"))
        shown.set_content(table(heads, (_entry(row) for row in found.items), "Audit log"))
        pager.show(
            f"{len(found.items)} shown", found.next_cursor, bool(cursor or found.next_cursor)
        )

    async def move(cursor: str) -> None:
        await draw(cursor)
        ui.navigate.history.replace(f"/console/system/audit?after={quote(cursor)}")

    with ui.element("div").classes("card"):
        shown = show(Markup(""))
        pager.place(move)
    await draw(after)


def _entry(row: AuditEntry) -> list[Markup | str]:
    detail = "; ".join(f"{name}: {_plain(value)}" for name, value in row.detail.items())[:300]
    return [
        Markup('{}<span class="sub"><code>{}</code> {}</span>').format(
            act(row.action, row.subject), row.action, detail
        ),
        row.actor,
        when(row.created_at),
    ]


def _plain(value: object) -> str:
    """A detail as people read it, without a programmer's quotes."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
