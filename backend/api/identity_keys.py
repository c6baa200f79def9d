"""Public keys by which websites' identity tokens are checked.

Each kind of key goes with one algorithm of RFC 7518 and RFC 8037: Ed25519 with EdDSA, P-256 with
ES256, RSA of at least 2,048 bits with RS256.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from knowledge.errors import InvalidInput, MissingExtra

_WANTED = "Give a public key in PEM: Ed25519, P-256, or RSA of at least 2,048 bits."
_LEAST_BITS = 2048


@lru_cache(maxsize=256)
def loaded(pem: str) -> Any:
    """A public key. Raises :class:`InvalidInput`; :class:`MissingExtra` without its package."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise MissingExtra(
            "Public keys for identity tokens need the package cryptography.",
            "Install it: pip install 'candor[identity]'.",
        ) from error
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("This is no public key in PEM.", _WANTED) from error
    algorithm_of(key)
    return key


def algorithm_of(key: Any) -> str:
    """The algorithm that a key goes with. Raises :class:`InvalidInput` where none is taken."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PublicKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_BITS:
        return "RS256"
    raise InvalidInput("This kind of public key is not taken.", _WANTED)


def fingerprint(pem: str) -> str:
    """What tells one key from another: SHA-256 of its SubjectPublicKeyInfo, in hex."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded = loaded(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()
