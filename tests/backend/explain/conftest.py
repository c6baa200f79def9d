from __future__ import annotations

from tests.searching import ask, database, embedded_index, encoder, filled, searcher

__all__ = ["ask", "database", "embedded_index", "encoder", "filled", "searcher"]
