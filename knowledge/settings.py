"""Every setting of Candor in one place. Only the composition root reads it.

A setting is an environment variable with the prefix ``CANDOR_`` or a file of that name, in lower
case, in the folder that ``CANDOR_SECRETS`` names (how container secrets arrive). No secret has a
default.
"""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from knowledge.passage_text import PassageContext


class Settings(BaseSettings):
    """Settings with their defaults: an embedded, offline Candor on this machine."""

    model_config = SettingsConfigDict(
        env_prefix="CANDOR_", extra="ignore", secrets_dir=os.environ.get("CANDOR_SECRETS") or None
    )

    data: Path = Field(default=Path("data"), description="The data folder.")
    host: str = Field(default="127.0.0.1", description="The address that `candor serve` binds.")
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("CANDOR_PORT", "PORT"),
        description="The port that `candor serve` binds.",
    )
    public_url: str = Field(
        default="", description="The address that browsers reach this server at, behind a proxy."
    )
    owner_email: str = Field(
        default="owner@localhost",
        description="The e-mail address of the owner account that the first start makes.",
    )
    sample: bool = Field(
        default=True,
        description="Whether the first start makes the sample assistant from the documentation.",
    )
    oidc_issuer: str = Field(
        default="", description="An OpenID provider that users may sign in at (extra `oidc`)."
    )
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="E-mail domains (by comma) whose people become viewers as they sign in.",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="A mail server, `smtp://user:password@host:587` or `smtps://`, that e-mail to "
        "staff is sent over.",
    )
    mail_from: str = Field(default="", description="Who that e-mail is from.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    otel_endpoint: str = Field(
        default="",
        description="An OpenTelemetry collector, such as `http://127.0.0.1:4318` (extra `otel`).",
    )

    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="`postgresql://user:password@host/name`; empty: SQLite in the data folder.",
    )
    qdrant_url: str = Field(
        default="", description="A Qdrant server or cluster; empty: the embedded engine."
    )
    qdrant_api_key: SecretStr = SecretStr("")
    qdrant_collection: str = "candor"
    qdrant_shards: int = Field(default=1, ge=1)
    qdrant_replicas: int = Field(default=1, ge=1)
    worker: bool = Field(
        default=True, description="Whether `candor serve` also works off ingestion jobs."
    )

    encoder: Literal["bundled", "huggingface"] = "bundled"
    encoder_folder: Path | None = Field(
        default=None,
        description="Folder of a model that `candor train` made; empty: the one that ships.",
    )
    encoder_sparse_model: str = Field(
        default="", description="Hugging Face name or folder of a sparse encoder."
    )
    encoder_dense_model: str = Field(
        default="", description="Hugging Face name or folder of a dense encoder."
    )
    encoder_query_mode: Literal["default", "inference-free", "encoded"] = "default"
    encoder_threads: int = Field(default=2, ge=1, description="Threads of one encoding call.")
    encoder_device: str = Field(default="cpu", description="`cpu`, `cuda`, `cuda:0`, `mps`.")
    reranker_model: str = Field(
        default="", description="Hugging Face name or folder of a cross-encoder; empty: none."
    )
    rerank_candidates: int = Field(default=20, ge=1, le=200)
    rerank_budget_ms: int = Field(
        default=500, ge=1, description="After this the fused order stands."
    )

    search_candidates: int = Field(
        default=100, ge=1, le=1000, description="Hits that each arm contributes to fusion."
    )
    fusion: Literal["auto", "rrf", "minmax", "dbsf", "linear"] = "auto"
    rrf_k: int = Field(default=60, ge=0)
    sparse_weight: float | None = Field(default=None, ge=0)
    dense_weight: float | None = Field(default=None, ge=0)

    public_chat_per_minute: int = Field(
        default=60,
        ge=1,
        description="Questions that visitors may ask one assistant from one address in a minute.",
    )
    public_chat_per_day: int = Field(
        default=10_000, ge=1, description="Questions that visitors may ask one assistant in a day."
    )
    public_chat_per_visitor_day: int = Field(
        default=200,
        ge=1,
        description="Questions that one visitor may ask one assistant in a day; ten times as many "
        "from one address.",
    )
    public_tokens_per_day: int = Field(
        default=1_000_000,
        ge=1,
        description="Tokens of the language model that visitors may use of one assistant in a day.",
    )

    answer_confidence: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="Below this probability that the passages answer, nothing is quoted.",
    )
    llm_provider: Literal["", "openai", "anthropic", "google"] = Field(
        default="",
        description="Empty: extractive answers. `openai` is any OpenAI-compatible endpoint.",
    )
    llm_model: str = ""
    llm_base_url: str = Field(
        default="", description="Endpoint, such as `http://127.0.0.1:11434/v1` for Ollama."
    )
    llm_api_key: SecretStr = SecretStr("")
    llm_keys: dict[str, SecretStr] = Field(
        default={},
        description="Keys of endpoints that assistants name for themselves, by origin, as JSON: "
        '`{"https://api.openai.com": "..."}`.',
    )
    llm_timeout_s: float = Field(default=60.0, gt=0)
    llm_max_tokens: int = Field(default=800, ge=16)
    llm_context_window: int = Field(default=8192, ge=1024)
    llm_quote_on_failure: bool = Field(
        default=False,
        description="Whether sentences are quoted, and said to be, where the model fails.",
    )

    trusted_proxies: str = Field(
        default="127.0.0.1,::1",
        description="Addresses and networks, by comma, of proxies whose word on a visitor's "
        "address counts.",
    )
    allowed_private_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts (`name` or `name:port`, by comma) that may be private addresses.",
    )
    user_agent: str = "CandorBot/0.1"
    fetch_timeout_s: float = Field(default=20.0, gt=0)
    fetch_max_bytes: int = Field(default=40_000_000, ge=1024)
    browser: str = Field(
        default="",
        description="Chromium for pages with JavaScript; empty: the system's, or Playwright's.",
    )
    sitemap_recheck_days: float = Field(
        default=7.0,
        ge=0,
        le=365,
        description="Days for which a sitemap's word that a page has not changed is believed.",
    )
    crawl_concurrency: int = Field(default=8, ge=1, le=64)
    upload_max_bytes: int = Field(default=300_000_000, ge=1024)
    parse_timeout_s: float = Field(default=120.0, gt=0)
    parse_memory_mb: int = Field(default=1024, ge=128)
    ocr_languages: str = Field(
        default="",
        pattern=r"^([A-Za-z_]+(\+[A-Za-z_]+)*)?$",
        description="Tesseract's languages for scanned pages and pictures; empty: no recognition.",
    )
    ocr_timeout_s: float = Field(default=900.0, gt=0)
    speech_model: str = Field(
        default="",
        description="Name or folder of a Whisper model for CTranslate2; empty: no transcription.",
    )
    speech_timeout_s: float = Field(default=3600.0, gt=0)
    speech_memory_mb: int = Field(default=4096, ge=256)
    chunk_tokens: int = Field(default=200, ge=32, le=2048)
    passage_context: PassageContext = Field(
        default="title+headings",
        description="Which titles above a passage are encoded with it.",
    )
    near_duplicates: bool = Field(
        default=True,
        description="Whether documents that say nearly the same are indexed once.",
    )

    @field_validator("allowed_private_hosts", "oidc_domains", mode="before")
    @classmethod
    def _split_by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for one in filter(None, map(str.strip, value.split(","))):
            ip_network(one)  # says what is wrong with it
        return value

    @property
    def files_folder(self) -> Path:
        """Where uploaded files lie, by their SHA-256."""
        return self.data / "files"

    @property
    def embedded_index_folder(self) -> Path:
        """Where the embedded engine keeps its shard."""
        return self.data / "index"
