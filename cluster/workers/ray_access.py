"""Whether a Ray may be used: one that others can reach only with its token authentication.

Whoever reaches Ray's ports runs code as whoever started it. It does not know Ray itself.
"""

from bodyswap.environment import RayAccess, ray_access
from bodyswap.errors import UsageError

_HOW = (
    "set RAY_AUTH_MODE=token on every machine, and give each the same token"
    " (`ray get-auth-token --generate` writes one)"
)


def check_ray_access(address: str | None, access: RayAccess | None = None) -> str:
    """Refuse to start a Ray on this machine, or to join the one at `address`, without tokens.

    Even a Ray of this machine's alone listens to all its networks. One that is joined must be known
    to ask for a token, even where its address is a loopback's: it may be a tunnel's end.

    Raises:
        UsageError: tokens are switched off, or there is none; the message says what to do.
    """
    access = access or ray_access()
    if access.mode not in ("", "token"):
        raise UsageError(
            f"RAY_AUTH_MODE is '{access.mode}': whoever reaches this Ray runs code on it; {_HOW}"
        )
    if address is None:
        return "a Ray of this machine's own, with token authentication"
    if access.mode != "token":
        raise UsageError(f"the Ray at {address} is to be joined without a token; {_HOW}")
    if not access.has_token:
        raise UsageError(
            f"there is no token for the Ray at {address}; set RAY_AUTH_TOKEN or"
            " RAY_AUTH_TOKEN_PATH, or write ~/.ray/auth_token"
        )
    return f"the Ray at {address}, with token authentication"
