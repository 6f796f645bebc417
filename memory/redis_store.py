"""The store for more than one process: Redis Streams for the logs, a hash for leases.

Check and append happen in one Lua script, so no writer can slip in between (Redis runs scripts atomically).
Lease ages are measured by the server's clock, so workers with different clocks agree.

A stream entry has the fields `e`, the event, and `b`, the id of its batch (entries of older logs have only `e`).
An event's position is its entry's place in the stream, whatever the entry's id: nothing is ever deleted from a log.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from memory.events import AnyEvent, encode
from memory.store import Lease, LeaseHeld, LeaseLost, StoreUnavailable, decode_log, reused_id, unexpected_length

DECODED_AT_ONCE = 100  # events decoded on the event loop, in about 10 ms; more are decoded in a thread

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

# KEYS: lease hash. ARGV: token, ttl in ms (0: expire now). Returns 1, or 0 if the token is stale.
_RENEW = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
local time = redis.call('TIME'); local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'expires', ttl == 0 and 0 or now + ttl)
return 1
"""

# KEYS: lease hash. Returns the owner of an unexpired lease, or an empty string.
_HOLDER = """
local time = redis.call('TIME'); local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(redis.call('HGET', KEYS[1], 'expires') or '0') <= now then return '' end
return redis.call('HGET', KEYS[1], 'owner')
"""

_FIELD = """
local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
  return ''
end
"""

# KEYS: lease hash, stream, index of sessions. ARGV: token, session, expected length before, id of the batch, events...
# Returns {outcome, length of the log}. A batch the log already ends with (the reply was lost) is not written again.
_APPEND = (
    _FIELD
    + """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return {'lease lost', 0} end
local after, batch, count = tonumber(ARGV[3]), ARGV[4], #ARGV - 4
local length = redis.call('XLEN', KEYS[2])
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', count + 1)
if length > 0 and field(newest[1], 'b') == batch then
  local same = length == after + count and not (newest[count + 1] and field(newest[count + 1], 'b') == batch)
  for i = 1, count do
    same = same and field(newest[i], 'b') == batch and field(newest[i], 'e') == ARGV[#ARGV + 1 - i]
  end
  return {same and 'stored' or 'id reused', length}
end
if length ~= after then return {'unexpected length', length} end
if length == 0 and count > 0 then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], 'NX', time[1] + time[2] / 1000000, ARGV[2])
end
for i = 5, #ARGV do
  redis.call('XADD', KEYS[2], '*', 'e', ARGV[i], 'b', batch)
end
return {'stored', length + count}
"""
)

# KEYS: stream. ARGV: position. Returns the events from there on. Counted from the end, because a poll mostly finds
# nothing new, and because entry ids say nothing about positions.
_READ = (
    _FIELD
    + """
local wanted = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[1])
if wanted <= 0 then return {} end
local newest, events = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', wanted), {}
for i = #newest, 1, -1 do
  events[#events + 1] = field(newest[i], 'e')
end
return events
"""
)


class RedisStore:
    """An `EventStore` in Redis. `url` like redis://127.0.0.1:6379/0; `prefix` keeps installations apart."""

    def __init__(self, url: str, prefix: str = "viva") -> None:
        self._shown = _without_password(url)
        self._prefix = prefix
        self._closed = False
        try:
            # A server restart leaves dead connections in the pool: each is retried before the server counts as away.
            # Retrying is safe: a lease is its owner's own, and an append carries the id of its batch.
            self._redis: Redis = Redis.from_url(
                url, socket_connect_timeout=2.0, socket_timeout=5.0,
                retry=Retry(ConstantBackoff(0.05), 2), retry_on_error=[RedisConnectionError],
            )  # fmt: skip
        except ValueError:
            # Quote neither the address nor the parser's message: both may contain the password.
            raise StoreUnavailable("VIVA_REDIS_URL is not a Redis address; write redis://HOST:PORT/0") from None
        self._acquire = self._redis.register_script(_ACQUIRE)
        self._renew = self._redis.register_script(_RENEW)
        self._append = self._redis.register_script(_APPEND)
        self._holder = self._redis.register_script(_HOLDER)
        self._read = self._redis.register_script(_READ)

    async def ping(self) -> None:
        """Raises StoreUnavailable if no Redis answers."""
        await self._call(lambda: cast(Any, self._redis.ping()))

    async def acquire(self, session: str, owner: str, ttl: float) -> Lease:
        answer = await self._run(self._acquire, [self._lease_key(session)], [owner, int(ttl * 1000)])
        token, remaining, holder = int(answer[0]), int(answer[1]), answer[2].decode()
        if token == 0:
            raise LeaseHeld(
                f"session {session} is being run by {holder}; wait {remaining / 1000:.0f} s after it has died, then try again"
            )
        return Lease(session, owner, token)

    async def renew(self, lease: Lease, ttl: float) -> None:
        if not int(await self._run(self._renew, [self._lease_key(lease.session)], [lease.token, int(ttl * 1000)])):
            raise _lost(lease)

    async def release(self, lease: Lease) -> None:
        await self._run(self._renew, [self._lease_key(lease.session)], [lease.token, 0])

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int, batch: str = "") -> int:
        batch = batch or uuid.uuid4().hex
        keys = [self._lease_key(lease.session), self._log_key(lease.session), self._index_key()]
        arguments = [lease.token, lease.session, after, batch, *map(encode, events)]
        outcome, length = await self._run(self._append, keys, arguments)
        match outcome.decode():
            case "stored":
                return int(length)
            case "lease lost":
                raise _lost(lease)
            case "id reused":
                raise reused_id(lease.session, batch)
            case _:
                raise unexpected_length(lease.session, int(length), after)

    async def holder(self, session: str) -> str | None:
        return (await self._run(self._holder, [self._lease_key(session)], [])).decode() or None

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        bodies = await self._run(self._read, [self._log_key(session)], [after])
        if len(bodies) <= DECODED_AT_ONCE:
            return decode_log(session, after, bodies)
        return await asyncio.to_thread(decode_log, session, after, bodies)

    async def sessions(self) -> list[str]:
        names = await self._call(lambda: cast(Any, self._redis.zrange(self._index_key(), 0, -1)))
        return [name.decode() for name in names]

    async def close(self) -> None:
        self._closed = True
        await self._redis.aclose()

    async def _run(self, script: Any, keys: list[str], args: list[Any]) -> Any:
        return await self._call(lambda: script(keys=keys, args=args))

    async def _call(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        if self._closed:
            raise StoreUnavailable(f"the session store in Redis at {self._shown} was closed; open it again")
        try:
            return await ask()
        except (RedisError, OSError) as error:
            raise StoreUnavailable(self._advice(error)) from error

    def _advice(self, error: Exception) -> str:
        where = f"Redis at {self._shown}"
        if isinstance(error, AuthenticationError):
            return f"{where} refuses the password ({error}); write redis://:PASSWORD@HOST:PORT/0 in VIVA_REDIS_URL"
        if isinstance(error, ResponseError) and re.search("OOM|MISCONF", str(error)):
            return f"{where} refuses to write ({error}); free memory or disk"
        if isinstance(error, ResponseError):
            return f"{where} answers with an error ({error}); see its log, or set VIVA_MEMORY=sqlite"
        return f"no Redis answers at {self._shown} ({error}); start redis-server there, or set VIVA_MEMORY=sqlite"

    # The braces keep a session's keys on one cluster node, as the scripts require.
    def _lease_key(self, session: str) -> str:
        return f"{self._prefix}:{{sessions}}:{session}:lease"

    def _log_key(self, session: str) -> str:
        return f"{self._prefix}:{{sessions}}:{session}:log"

    def _index_key(self) -> str:
        return f"{self._prefix}:{{sessions}}:index"


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"session {lease.session} was taken over by another process")


def _without_password(url: str) -> str:
    """The address in a form fit to show and log: without user, password and options."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1", url).split("?")[0]
