"""The admin console: pages in Python over NiceGUI, which no other package knows.

Pages read through the queries of ``knowledge/store`` and change things through the HTTP API of
this very process, with the session of whoever is signed in: role, workspace, validation and audit
log are those of the API, and there is no second way to do anything.
"""

from backend.console.mount import PATH, mount

__all__ = ["PATH", "mount"]
