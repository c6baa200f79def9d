"""What the audit log records, in the words of the people who read it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ACTS: Mapping[str, str] = {
    "assistant.change": "Changed the assistant {}",
    "assistant.create": "Made the assistant {}",
    "assistant.remove": "Deleted the assistant {}",
    "assistant.secret": "Changed the secret for visitors’ tokens of {}",
    "assistant.webhook": "Changed where leads of {} go",
    "backup.create": "Downloaded a backup",
    "conversation.export": "Exported conversations",
    "conversation.remove": "Deleted a conversation",
    "document.delete": "Deleted the document {}",
    "document.push": "Sent the document {}",
    "document.put": "Sent the document {}",
    "document.remove": "Deleted the document {}",
    "document.retry": "Had the document {} read again",
    "handoff.close": "Closed a hand-off",
    "identity.connect": "Connected {} with the OpenID provider",
    "index.rebuild": "Had everything indexed again",
    "knowledge-base.change": "Changed the knowledge base {}",
    "knowledge-base.create": "Made the knowledge base {}",
    "knowledge-base.remove": "Deleted the knowledge base {}",
    "lead.change": "Changed a lead",
    "lead.delete": "Deleted a lead",
    "lead.export": "Exported leads",
    "passage.discard": "Discarded an edit of {}",
    "passage.edit": "Edited a passage of {}",
    "passage.restore": "Restored a passage of {}",
    "password.set": "Set a password",
    "price.remove": "Forgot the price of {}",
    "price.set": "Set the price of {}",
    "query-set.change": "Changed the query set {}",
    "query-set.create": "Made the query set {}",
    "query-set.judge": "Judged queries of {}",
    "query-set.remove": "Deleted the query set {}",
    "query-set.run": "Measured the query set {}",
    "query-set.run-remove": "Deleted a run over {}",
    "rule.create": "Saved a rule of {}",
    "rule.end": "Ended a rule of {}",
    "rule.undo": "Took a rule of {} back",
    "run.cancel": "Stopped a run",
    "run.pause": "Paused a run",
    "run.resume": "Had a run go on",
    "run.retry": "Had failed documents tried again",
    "sample.create": "Made the sample",
    "session.create": "Signed in",
    "session.refuse": "Was refused at sign-in",
    "session.revoke": "Signed a browser out",
    "sign-in-link.create": "Made a sign-in link for {}",
    "source.change": "Changed the source {}",
    "source.create": "Added the source {}",
    "source.remove": "Deleted the source {}",
    "source.run": "Had {} read",
    "source.upload": "Uploaded files to {}",
    "source.write": "Changed the text of {}",
    "token.create": "Made the API token {}",
    "token.revoke": "Revoked the API token {}",
    "user.change": "Changed the user {}",
    "user.create": "Made the user {}",
    "webhook.close": "Closed the webhook {}",
    "webhook.create": "Made the webhook {}",
    "webhook.secret": "Made a new secret for the webhook {}",
    "workspace.create": "Made the workspace {}",
}

_NAMED = re.compile(r"(?: of| to| for)? \{\}")


def act(action: str, subject: str) -> str:
    """What was done, as a sentence without its end; the bare words where they are not known."""
    said = _ACTS.get(action, f"{action} {{}}")
    return said.format(f"“{subject}”") if subject else _NAMED.sub("", said)
