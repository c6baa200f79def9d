"""What somebody sees who is not signed in."""

from __future__ import annotations

from markupsafe import Markup

from backend.console.assets import address

_PAGE = Markup("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in · Candor</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/widget/v1/pages/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{css}"><script src="{js}"></script></head>
<body><div class="entrance"><main class="card pad">
<a class="brand" href="/"><img src="/widget/v1/pages/icon.svg" alt="">Candor</a>
<h1>Sign in to the console</h1>
<p class="soft">There is no password to remember. A link signs this browser in, once.</p>
<ol><li><div>Get a link: on the server with<pre>candor user link</pre>or from an admin of your
workspace, under System, Users.</div></li>
<li><div>Open it in this browser within 24 hours. It works once, and you stay signed in for 30
days.</div></li></ol></main></div></body></html>""")


def entrance() -> str:
    """The page that says how to sign in."""
    return str(_PAGE.format(css=address("console.css"), js=address("console.js")))
