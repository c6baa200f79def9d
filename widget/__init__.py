"""The chat widget. :mod:`widget.served` reads the files in ``src`` and ``pages`` for the server."""
