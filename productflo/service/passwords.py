"""Passwords as scrypt hashes (RFC 7914), computed beside the event loop and a few at a time.

A hash is kept as `scrypt$<N>$<r>$<p>$<salt>$<digest>`, so that the parameters can be raised later and old
hashes go on being understood.
"""

import asyncio
import hmac
import secrets
import unicodedata
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import scrypt

from productflo.errors import ValidationFailed

COST = 2**15
"""scrypt's N. With the two below one of the settings that OWASP's Password Storage Cheat Sheet names as equal
in strength, and 32 MiB a hash: two at once fit beside a chat on a small machine."""
BLOCK = 8
"""scrypt's r, in 128 bytes: what that cheat sheet and RFC 7914 use."""
PASSES = 3
"""scrypt's p: what that cheat sheet asks for at N = 2^15."""
SALT_BYTES = 16
"""128 bits: no two passwords of any store share a salt (NIST SP 800-132, section 5.1)."""
DIGEST_BYTES = 32
"""256 bits, the length of the hash inside scrypt."""
MIN_PASSWORD = 12
"""Characters: OWASP ASVS 4, 2.1.1."""
MAX_PASSWORD = 256
"""Characters: far above any sentence that people type; NIST SP 800-63B asks for at least 64."""
AT_ONCE = 2
"""Threads that hash: the bound on memory (32 MiB each) and on the cores that sign-ins can take."""

NOBODYS = "$".join(
    ("scrypt", *map(str, (COST, BLOCK, PASSES)), *(b64encode(bytes(n)).decode() for n in (16, 32)))
)
"""A hash that no password has, as costly to compare with as any: for emails without an account."""

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")


async def hash_password(password: str) -> str:
    """A salted hash to keep. Raises `ValidationFailed` for less than 12 characters or more than 256."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise ValidationFailed(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters", field="password"
        )
    salt = secrets.token_bytes(SALT_BYTES)
    digest = await _digest(password, salt, COST, BLOCK, PASSES)
    parameters = f"scrypt${COST}${BLOCK}${PASSES}"
    return f"{parameters}${b64encode(salt).decode()}${b64encode(digest).decode()}"


async def is_password(password: str, kept: str) -> bool:
    """Whether `kept` is the hash of this password; takes as long whether or not it is."""
    _, cost, block, passes, salt, digest = kept.split("$")
    computed = await _digest(password, b64decode(salt), int(cost), int(block), int(passes))
    return hmac.compare_digest(computed, b64decode(digest))


async def _digest(password: str, salt: bytes, cost: int, block: int, passes: int) -> bytes:
    # Keyboards differ in how they write an accent: NFKC makes them one (NIST SP 800-63B, 5.1.1.2).
    plain = unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")

    def work() -> bytes:
        memory = 2 * 128 * cost * block  # Twice what scrypt needs: OpenSSL counts its own overhead as well.
        return scrypt(plain, salt=salt, n=cost, r=block, p=passes, maxmem=memory, dklen=DIGEST_BYTES)

    return await asyncio.get_running_loop().run_in_executor(_threads, work)
