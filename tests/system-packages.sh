#!/usr/bin/env bash
# What the tests need from the system: Chromium, Tesseract, and PostgreSQL's initdb and pg_ctl.
# Installs them on Debian where they are missing and this user may; otherwise says what to install.
set -euo pipefail

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
    || command -v google-chrome >/dev/null || missing+=(chromium)
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null \
    || missing+=(postgresql)
command -v tesseract >/dev/null || missing+=(tesseract-ocr)
[ ${#missing[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing ${missing[*]} ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "The tests need these packages, which are not installed: ${missing[*]}" >&2
    echo "On Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
