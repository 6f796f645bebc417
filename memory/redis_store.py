"""The store for more than one process: Redis Streams for the logs, a hash for leases.

Check and append happen in one Lua script, so no writer can slip in between (Redis runs scripts atomically).
Lease ages are taken from the server's clock: two workers with different clocks agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from memory.events import AnyEvent, decode, encode
from memory.store import Lease, LeaseHeld, LeaseLost, StoreUnavailable

# KEYS: lease hash. ARGV: owner, ttl in ms. Returns {token, remaining ms, holder}; token 0: held by another.
_ACQUIRE = """
local time = redis.call('TIME'); local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expires = tonumber(redis.call('HGET', KEYS[1], 'expires') or '0')
local owner = redis.call('HGET', KEYS[1], 'owner')
if expires > now and owner ~= ARGV[1] then return {0, expires - now, owner} end
local token = redis.call('HINCRBY', KEYS[1], 'token', 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'expires', now + tonumber(ARGV[2]))
return {token, 0, ARGV[1]}
"""

# KEYS: lease hash. ARGV: token, ttl in ms (0: let it run out now). Returns 1, or 0 where the token is stale.
_RENEW = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
local time = redis.call('TIME'); local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'expires', ttl == 0 and 0 or now + ttl)
return 1
"""

# KEYS: lease hash. Returns the owner of a lease that is alive, or an empty string.
_HOLDER = """
local time = redis.call('TIME'); local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(redis.call('HGET', KEYS[1], 'expires') or '0') <= now then return '' end
return redis.call('HGET', KEYS[1], 'owner')
"""

# KEYS: lease hash, stream, index of sessions. ARGV: token, session, expected length before (-1: unknown), events...
# Returns the new length, or -1. A batch that already stands (its answer was lost) is not written again.
_APPEND = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
local length = redis.call('XLEN', KEYS[2])
if tonumber(ARGV[3]) >= 0 and length == tonumber(ARGV[3]) + #ARGV - 3 then return length end
if length == 0 then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], 'NX', time[1] + time[2] / 1000000, ARGV[2])
end
for i = 4, #ARGV do
  redis.call('XADD', KEYS[2], '*', 'e', ARGV[i])
end
return length + #ARGV - 3
"""


class RedisStore:
    """An `EventStore` in Redis. `url` like redis://127.0.0.1:6379/0; `prefix` keeps installations apart."""

    def __init__(self, url: str, prefix: str = "viva") -> None:
        self._url = url
        self._prefix = prefix
        try:
            # A server that was restarted leaves dead connections in the pool: each is tried anew before it counts as
            # away. Trying again is safe: leases are the owner's own, and appends name the length they expect.
            self._redis: Redis = Redis.from_url(
                url, socket_connect_timeout=2.0, socket_timeout=5.0,
                retry=Retry(ConstantBackoff(0.05), 2), retry_on_error=[RedisConnectionError],
            )  # fmt: skip
        except ValueError as error:
            raise StoreUnavailable(f"{url!r} is not a Redis address ({error}); write redis://HOST:PORT/0") from error
        self._acquire = self._redis.register_script(_ACQUIRE)
        self._renew = self._redis.register_script(_RENEW)
        self._append = self._redis.register_script(_APPEND)
        self._holder = self._redis.register_script(_HOLDER)

    async def ping(self) -> None:
        """Raises StoreUnavailable where no Redis answers."""
        try:
            await cast(Any, self._redis.ping())
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error

    async def acquire(self, session: str, owner: str, ttl: float) -> Lease:
        answer = await self._call(self._acquire, [self._lease_key(session)], [owner, int(ttl * 1000)])
        token, remaining, holder = int(answer[0]), int(answer[1]), answer[2].decode()
        if token == 0:
            raise LeaseHeld(
                f"session {session} is being run by {holder}; wait {remaining / 1000:.0f} s after it has died, then try again"
            )
        return Lease(session, owner, token)

    async def renew(self, lease: Lease, ttl: float) -> None:
        if not int(await self._call(self._renew, [self._lease_key(lease.session)], [lease.token, int(ttl * 1000)])):
            raise LeaseLost(f"session {lease.session} was taken over by another process")

    async def release(self, lease: Lease) -> None:
        await self._call(self._renew, [self._lease_key(lease.session)], [lease.token, 0])

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int | None = None) -> int:
        keys = [self._lease_key(lease.session), self._log_key(lease.session), self._index_key()]
        expected = -1 if after is None else after
        length = int(await self._call(self._append, keys, [lease.token, lease.session, expected, *map(encode, events)]))
        if length < 0:
            raise LeaseLost(f"session {lease.session} was taken over by another process")
        return length

    async def holder(self, session: str) -> str | None:
        return (await self._call(self._holder, [self._lease_key(session)], [])).decode() or None

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        try:
            entries = await cast(Any, self._redis.xrange(self._log_key(session)))
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        return [decode(fields[b"e"]) for _, fields in entries[after:]]

    async def sessions(self) -> list[str]:
        try:
            return [name.decode() for name in await cast(Any, self._redis.zrange(self._index_key(), 0, -1))]
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        await self._redis.aclose()

    async def _call(self, script: Any, keys: list[str], args: list[Any]) -> Any:
        try:
            return await script(keys=keys, args=args)
        except ResponseError as error:
            if "OOM" in str(error) or "MISCONF" in str(error):
                raise StoreUnavailable(
                    f"Redis at {self._url} refuses to write ({error}); free memory or disk"
                ) from error
            raise self._unavailable(error) from error
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"no Redis answers at {self._url} ({error}); start redis-server there, or set VIVA_MEMORY=sqlite"
        )

    # The braces keep a session's keys on one node of a cluster, as its scripts need.
    def _lease_key(self, session: str) -> str:
        return f"{self._prefix}:{{sessions}}:{session}:lease"

    def _log_key(self, session: str) -> str:
        return f"{self._prefix}:{{sessions}}:{session}:log"

    def _index_key(self) -> str:
        return f"{self._prefix}:{{sessions}}:index"
