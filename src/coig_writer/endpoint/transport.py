"""The connections to a server: kept open, through the proxy of the environment, to whom its certificates trust."""

from __future__ import annotations

import base64
import functools
import os
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from coig_writer.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    import urllib3


def connections(
    url: str, at_once: int, timeout: float, headers: dict[str, str]
) -> urllib3.PoolManager:
    """Returns connections to a server; no redirect is followed and nothing is tried again.

    Args:
        url: Of the server; a name and password in it are sent.
        at_once: How many are kept open.
        timeout: Seconds to connect, and until the next byte comes.
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
        return kind(
            headers=headers,
            maxsize=at_once,
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
            retries=False,
            ssl_context=trusted,
        )
    except (HTTPError, ValueError) as error:  # ValueError: http://[::1
        raise ConfigError(
            f"the proxy that the environment names cannot be used: {type(error).__name__}",
            "give an http:// or https:// address in HTTP_PROXY and HTTPS_PROXY, or the server's host in NO_PROXY",
        ) from error


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
