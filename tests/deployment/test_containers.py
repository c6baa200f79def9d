"""The container files name only what exists: settings, extras, paths, secrets, services.

No engine runs here; what a program can check without one is checked.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = {f"CANDOR_{name.upper()}" for name in Settings.model_fields} | {"CANDOR_SECRETS"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check_and_restarts(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_services_depend_on_healthy_services_that_exist(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        assert condition == {"condition": "service_healthy"}


def test_secrets_are_files_and_every_secret_used_is_declared() -> None:
    declared = COMPOSE["secrets"]
    assert all(set(secret) == {"file"} for secret in declared.values())
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(declared)


def test_secret_files_are_settings_or_belong_to_the_database() -> None:
    names = {name.upper() for name in COMPOSE["secrets"]} - {"POSTGRES_PASSWORD"}
    assert names <= SETTINGS


def test_no_password_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert not re.search(r"(PASSWORD|API_KEY|TOKEN): *[\"']?[A-Za-z0-9]", text)


@pytest.mark.parametrize("name", ["api", "worker"])
def test_environment_names_settings_that_exist(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= SETTINGS


def test_volumes_are_declared() -> None:
    mounted = {
        volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]
    }
    assert mounted == set(COMPOSE["volumes"])


def test_dockerfile_copies_only_what_exists() -> None:
    copied = [
        path
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for path in line.split()[:-1]
    ]
    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_dockerfile_copies_every_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert all(f"COPY {package} {package}" in DOCKERFILE for package in packages)


def test_dockerfile_names_an_extra_that_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = re.findall(r"^ARG EXTRAS=(.+)$", DOCKERFILE, re.M)
    assert extras
    assert set(extras[0].split(",")) <= set(project["project"]["optional-dependencies"])


def test_image_runs_as_an_unprivileged_user() -> None:
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.M)
    assert users
    assert users[-1] not in {"root", "0"}
