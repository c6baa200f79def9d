"""Websites that embed the widget: plain, strict, dark, right to left, and hostile."""

from __future__ import annotations

from dataclasses import dataclass

from widget.served import digest, integrity

PINNED = (
    f'<script async src="{{candor}}/widget/{digest()}/loader.js" crossorigin="anonymous" '
    f'integrity="{integrity("loader.js")}" data-assistant="{{assistant}}"></script>'
)
LOADER = '<script async src="{candor}/widget/v1/loader.js" data-assistant="{assistant}"></script>'

PARAGRAPHS = "<p>We grow plants and sell them to people who like plants.</p>" * 8


@dataclass(frozen=True)
class Page:
    """A host page and its CSP. ``{candor}`` is the Candor server, ``{assistant}`` a public key."""

    html: str
    policy: str = ""


def _page(body: str, head: str = "", attributes: str = 'lang="en"') -> str:
    return f"""<!doctype html><html {attributes}><head><meta charset="utf-8"><title>Garden</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
<body><main><h1>The garden</h1>{PARAGRAPHS}</main>{body}</body></html>"""


# What style sheets of the wild do to elements they never heard of.
RESETS = """<style>
* { all: unset !important; display: none !important; color: red !important; opacity: .2 !important }
html, head, body, main, main * { display: block !important; opacity: 1 !important }
button, div, section, textarea { display: none !important; font-size: 3px !important }
candor-chat { visibility: hidden !important; transform: scale(3) !important }
candor-chat { position: static !important; float: right !important }
</style>"""

# Prototype.js 1.6 and other old libraries, in what they overwrite.
OVERWRITTEN = """<script>
Array.prototype.toJSON = function () { return '[' + this.join(',') + ']'; };
Array.prototype.reduce = function () { return this.length > 1 ? this : this[0]; };
Array.from = function (thing) { return thing ? [].concat(thing) : []; };
Array.prototype.each = Array.prototype.forEach;
Object.prototype.extend = function () { return this; };
String.prototype.strip = function () { return this.replace(/^\\s+|\\s+$/g, ''); };
Element.prototype.append = function () { throw new Error('append is ours'); };
Element.prototype.remove = function () { throw new Error('remove is ours'); };
Element.prototype.replaceChildren = function () { throw new Error('replaceChildren is ours'); };
Element.prototype.update = function (html) { this.innerHTML = html; };
window.$ = window.h = window.set = function () { return null; };
window.onerror = function (message) { (window.errors = window.errors || []).push(message); };
</script>"""

# A page of 2012: an old jQuery that serves other libraries too, and handlers for everything.
JQUERY = """<script src="/old/jquery.js"></script><script>
window.onerror = function (message) { (window.errors = window.errors || []).push(message); };
jQuery.noConflict();
window.$ = function () { throw new Error('$ is ours'); };
jQuery.ajaxSetup({ cache: false, timeout: 1 });
jQuery.fn.each = jQuery.fn.map;
jQuery.easing.def = 'none';
jQuery(function ($) {
  window.heard = [];
  $(document).on('click keydown submit focusin', function (event) {
    window.heard.push(event.type + ' ' + event.target.nodeName);
    $(event.target).find('*').addClass('seen').css('outline', '3px solid red');
    $(event.target).html($(event.target).html());
  });
  $('main').prepend('<p>jQuery ' + $.fn.jquery + ' was here.</p>').hide().fadeIn(0);
});
</script>"""

PAGES = {
    "plain": Page(_page(LOADER)),
    "strict": Page(
        _page(LOADER.replace("<script", '<script nonce="r4nd0m"')),
        "default-src 'none'; script-src 'nonce-r4nd0m'; connect-src {candor}; "
        "require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    "named": Page(_page(LOADER), "default-src 'none'; script-src {candor}; connect-src {candor}"),
    "dark": Page(
        _page(
            LOADER.replace("></script", ' data-theme="dark"></script'),
            "<style>body { background: #111; color: #eee }</style>",
        )
    ),
    "rtl": Page(_page(LOADER.replace("{assistant}", "arabic"), attributes='lang="ar" dir="rtl"')),
    "hostile": Page(_page(LOADER, OVERWRITTEN + RESETS)),
    "jquery": Page(_page(LOADER, JQUERY)),
    "inline": Page(
        _page(
            '<script type="module" src="{candor}/widget/v1/define.js"></script>'
            '<candor-chat assistant="{assistant}" layout="inline" lang="de"></candor-chat>',
            "<style>candor-chat { --candor-accent: #b4231f; --candor-radius: 4px }</style>",
        )
    ),
    "pinned": Page(_page(PINNED)),
    "pinned-strict": Page(
        _page(PINNED.replace("<script", '<script nonce="r4nd0m"')),
        "default-src 'none'; script-src 'nonce-r4nd0m'; connect-src {candor}; "
        "require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    "refused": Page(_page(LOADER.replace("{assistant}", "nobody"))),
}
