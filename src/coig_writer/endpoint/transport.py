"""The connections to a server: kept open, through the proxy of the environment, to whom its certificates trust."""

from __future__ import annotations

import base64
import functools
import http.client
import io
import os
import re
import time
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from coig_writer.errors import ConfigError

if TYPE_CHECKING:
    import socket
    import ssl

    import urllib3
    from _typeshed import WriteableBuffer


NO_TLS = "it does not speak TLS: begin its address with http://"
# What no further try mends, by the reason that OpenSSL gives.
UNSAFE = {
    "CERTIFICATE_VERIFY_FAILED": "give the name that the certificate is for, or set SSL_CERT_FILE to the certificates to trust (a PEM file)",
    "WRONG_VERSION_NUMBER": NO_TLS,
    "RECORD_LAYER_FAILURE": NO_TLS,  # the same, since OpenSSL 3.2
}
_PLACE = re.compile(r"\[[^][]*\] |_ssl\.c:\d+: | \(_ssl\.c:\d+\)")  # where in Python or OpenSSL
LONGEST_REASON = 200


class _Until(io.RawIOBase):
    """What comes from a server until a moment, however small its pieces are: a socket's own limit holds for each read."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, end: float) -> None:
        self._raw, self._sock, self._end = raw, sock, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that is whole, headers and body, within the time that its socket has left when it is asked for."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        end = time.monotonic() + (sock.gettimeout() or 0.0)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock, end))


def connections(
    url: str, at_once: int, timeout: float, headers: dict[str, str]
) -> urllib3.PoolManager:
    """Returns connections to a server; no redirect is followed and nothing is tried again.

    Args:
        url: Of the server; a name and password in it are sent.
        at_once: How many are kept open.
        timeout: Seconds until a request counts as lost: to connect, to send, and for all of the answer.
        headers: Sent with every request.

    Raises:
        ConfigError: The environment names a proxy of an unknown kind, or certificates that cannot be read.
    """
    import urllib3
    from urllib3.exceptions import HTTPError

    parts, proxy = urlsplit(url), _proxy(url)
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = headers | {"Authorization": _basic(login)}
    encrypted = parts.scheme == "https" or (proxy or "").lower().startswith("https:")
    trusted = _certificates() if encrypted else None
    kind: Callable[..., urllib3.PoolManager] = urllib3.PoolManager
    try:
        if proxy is not None:
            login = unquote(urlsplit(proxy).netloc.rpartition("@")[0])
            kind = functools.partial(
                urllib3.ProxyManager,
                proxy,
                proxy_headers={"proxy-authorization": _basic(login)} if login else None,
                proxy_ssl_context=trusted,
            )
        made = kind(
            headers=headers,
            maxsize=at_once,
            timeout=urllib3.Timeout(total=timeout),
            retries=False,
            ssl_context=trusted,
        )
    except (HTTPError, ValueError) as error:  # ValueError: http://[::1
        raise ConfigError(
            f"the proxy that the environment names cannot be used: {type(error).__name__}",
            "give an http:// or https:// address in HTTP_PROXY and HTTPS_PROXY, or the server's host in NO_PROXY",
        ) from error
    made.pool_classes_by_scheme = {
        scheme: _timed(pool) for scheme, pool in made.pool_classes_by_scheme.items()
    }
    return made


def _timed(pool: Any) -> type[urllib3.HTTPConnectionPool]:
    """Returns a kind of connections whose answers are ``_Answer``; its classes are made here, as urllib3 is loaded late."""
    connection = type("Connection", (pool.ConnectionCls,), {"response_class": _Answer})
    return type("Pool", (pool,), {"ConnectionCls": connection})


def why(error: BaseException) -> tuple[str, str | None]:
    """Says why a request got no answer, or a part of one, in the system's words, and what to do where no further try can help."""
    from urllib3.exceptions import ProxyError

    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, OSError):
        inner = inner.__context__
    words = "" if inner is None else _PLACE.sub("", inner.strerror or str(inner))
    of_server = not isinstance(error, ProxyError)
    remedy = UNSAFE.get(getattr(inner, "reason", "")) if of_server else None
    return words[:LONGEST_REASON] or "no whole answer", remedy


def _basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def _proxy(url: str) -> str | None:
    """Returns the address of the proxy that the environment names for a server."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Returns whom to trust: those that the environment names, else Mozilla's list; read once, which takes as long as a hundred requests.

    Raises:
        ConfigError: What the environment names cannot be read.
    """
    import ssl

    import certifi

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        return ssl.create_default_context(
            cafile=file or (None if folder else certifi.where()), capath=folder
        )
    except OSError as error:  # ssl.SSLError is one; it names no file
        raise ConfigError(
            f"{file or folder}: no certificates can be read from it",
            "mend SSL_CERT_FILE (a PEM file) or SSL_CERT_DIR, or unset both",
        ) from error
