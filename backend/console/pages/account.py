"""One's own account: the password, and the browsers that are signed in."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui

from backend.console.forms import Act, button, field, on_enter
from backend.console.frame import done, head, page, section
from backend.console.parts import badge, note, show, when
from backend.console.visit import Visit
from backend.console.words import ROLES, count
from knowledge.store.queries.credentials import list_sessions
from knowledge.store.queries.people import find_user
from knowledge.store.tables import User, UserSession

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@page("/account", "account")
async def account(visit: Visit) -> None:
    """Who is signed in, with what they may change about it."""
    assert visit.caller.user_id is not None, "a page is opened by a user"
    async with visit.database.reading() as session:
        user = await find_user(session, visit.workspace_id, visit.caller.user_id)
        sessions = await list_sessions(session, user.id)
    head("Your account", below=f"{user.email}. {ROLES[user.role]}.")
    words = "It was set." if user.password_hash else "None is set: you sign in by link."
    with section("Password", words), ui.element("div").classes("card pad"):
        _password(visit, user)
    others = len(sessions) - 1
    with section("Signed in", f"{count(len(sessions), 'browser')}.") as room:
        if others > 0:
            with room:
                button("Sign out everywhere else", _end(visit, "/sessions"), "danger")
        with ui.element("div").classes("stack"):
            for one in sessions:
                _session(visit, one)


def _password(visit: Visit, user: User) -> None:
    with ui.element("div").classes("form narrow"):
        current = None
        if user.password_hash:
            current = field("Current password", password=True, password_toggle_button=True)
            current.props('autocomplete="current-password"')
        new = field(
            "New password",
            help="At least 10 characters; several words do well.",
            password=True,
            password_toggle_button=True,
        ).props('autocomplete="new-password"')

        async def save() -> None:
            body = {"current": current.value if current else "", "new": new.value}
            await visit.send("PUT", "/users/me/password", body)
            done("The password is set. Every other browser of yours is signed out.")
            ui.navigate.reload()

        with ui.element("div").classes("actions"):
            button("Set password", save, "primary")
        on_enter(new, save)
    if current:
        show(note("", "", "Forgotten it? A sign-in link from an admin sets a new one without it."))


def _session(visit: Visit, one: UserSession) -> None:
    is_this = one.id == visit.caller.session_id
    with ui.element("article").classes("card pad head").style("margin:0"):
        show(
            Markup(
                '<h3>{} {}</h3><p class="figures"><span>since {}</span>'
                "<span>last seen {}</span></p>"
            ).format(
                browser_name(one.user_agent),
                badge("This browser", "good") if is_this else "",
                when(one.created_at),
                when(one.last_seen_at),
            ),
            classes="title",
        )
        if not is_this:
            button("Sign out", _end(visit, f"/sessions/{one.id}"), "danger tiny")


def _end(visit: Visit, path: str) -> Act:
    async def end() -> None:
        await visit.send("DELETE", path)
        ui.navigate.reload()

    return end


def browser_name(user_agent: str) -> str:
    """A browser and its system in words; what it says of itself where neither is known."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:60] or "Unknown browser"
