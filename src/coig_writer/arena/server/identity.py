"""Pseudonyms, invitations and opaque ids, all keyed by one secret.

Who a rater is never enters the store: a name, an account or a random cookie becomes an HMAC-SHA256
under the arena's secret. The ids that the page sees are HMACs too, so that nothing can be read off
them: not the prompt, not the models, not whether two raters look at the same item.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hmac
import os
import re
import secrets
from pathlib import Path

from coig_writer.errors import ConfigError

SECRET_VARIABLE = "ARENA_SECRET"
MIN_SECRET_CHARS = 32
MAX_COOKIE_CHARS = 100
MAX_COOKIES = 10_000
_MADE_OF = re.compile(rb"[!-~]+")


class Identity:
    """Signs and recognises. ``secret`` stays inside."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        # OpenSSL gives the interpreter away for each digest; getting it back costs a vote more than the digest
        self._recognised = functools.lru_cache(MAX_COOKIES)(self._checked)

    def sign(self, purpose: str, *parts: object) -> str:
        """Returns 22 characters that depend on purpose, parts and the secret (128 bits)."""
        message = "\x1f".join([purpose, *map(str, parts)]).encode()
        digest = hmac.digest(self._secret, message, "sha256")
        return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")

    def rater(self, kind: str, name: str) -> str:
        """Returns the pseudonym of an invited name, an account or a cookie."""
        return self.sign("rater", kind, name.casefold())

    def invitation(self, study: str, name: str) -> str:
        """Returns the token of one rater's invitation link."""
        return self.sign("invitation", study, name.casefold())

    def operator(self, study: str) -> str:
        """Returns the token that opens the page of who runs a study."""
        return self.sign("operator", study)

    def invited(self, study: str, raters: tuple[str, ...], token: str) -> str | None:
        """Returns the name an invitation token belongs to, or None."""
        for name in raters:
            if hmac.compare_digest(self.invitation(study, name).encode(), token.encode()):
                return name
        return None

    def cookie(self, rater: str) -> str:
        """Returns the value of a rater's cookie."""
        return f"{rater}.{self.sign('cookie', rater)}"

    def from_cookie(self, value: str | None) -> str | None:
        """Returns the rater behind a cookie, or None if it was not made here."""
        return self._recognised(value) if value and len(value) <= MAX_COOKIE_CHARS else None

    def _checked(self, value: str) -> str | None:
        rater, _, signature = value.partition(".")
        good = hmac.compare_digest(self.sign("cookie", rater).encode(), signature.encode())
        return rater if good and rater else None

    def visitor(self) -> str:
        """Returns the pseudonym of a new visitor."""
        return self.rater("cookie", secrets.token_hex(16))


def find_secret(folder: Path) -> bytes:
    """Returns the arena's secret: from the environment, or kept beside the ballots.

    Raises:
        ConfigError: Too short or empty, or running on a Space without one: there the disk is wiped at a
            restart, and a new secret would make old raters strangers.
    """
    given = os.environ.get(SECRET_VARIABLE, "")
    if given:
        if len(given) < MIN_SECRET_CHARS:
            raise ConfigError(
                f"{SECRET_VARIABLE} has {len(given)} characters, fewer than {MIN_SECRET_CHARS}",
                "make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        return given.encode()
    if os.environ.get("SPACE_ID"):
        raise ConfigError(
            f"the Space has no secret {SECRET_VARIABLE}",
            "add it under Settings → Variables and secrets: 32 random characters or more",
        )
    return _kept_secret(folder / "secret")


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f".secret.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # whoever links first decides, and the file is never half-written
        fresh.unlink()
    kept = path.read_bytes().strip()
    if len(kept) < MIN_SECRET_CHARS:
        raise ConfigError(
            f"{path} holds {len(kept)} characters, fewer than {MIN_SECRET_CHARS}: cookies could be forged",
            f"put the old secret back, or set {SECRET_VARIABLE}; with another secret, earlier raters count as new",
        )
    if not _MADE_OF.fullmatch(kept):
        raise ConfigError(
            f"{path} is not a secret of the arena, which is one word",
            f"name another --folder, or set {SECRET_VARIABLE}",
        )
    path.chmod(0o600)
    return kept
