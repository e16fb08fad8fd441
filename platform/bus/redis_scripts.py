"""What has to happen in one step on the Redis server. Written for Redis 6.2 and later."""

APPEND = b"""
redis.replicate_commands()
local ids, at = {}, 1
for i, stream in ipairs(KEYS) do
  local fields = tonumber(ARGV[at])
  ids[i] = redis.call('XADD', stream, '*', unpack(ARGV, at + 1, at + fields))
  at = at + fields + 1
end
return ids
"""
"""Append entries to the streams KEYS, all or none of them seen by a reader; ARGV: for each the number of its arguments,
then these. Returns the ids."""

COUNT_AFTER = b"""
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
if #entries == 0 then return {0, ARGV[1]} end
return {#entries, entries[#entries][1]}
"""
"""Count at most ARGV[2] entries behind the id ARGV[1]; returns the number and the id of the last one counted."""

SHARE = b"""
redis.replicate_commands()
local members, owners = KEYS[1], KEYS[2]
local me, ttl, released = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', members, '-inf', now)
if ttl > 0 then redis.call('ZADD', members, now + ttl, me) else redis.call('ZREM', members, me) end
for i = 4, 3 + released do
  if redis.call('HGET', owners, ARGV[i]) == me then redis.call('HDEL', owners, ARGV[i]) end
end
for i = 4 + released, #ARGV do
  local owner = redis.call('HGET', owners, ARGV[i])
  if not owner or not redis.call('ZSCORE', members, owner) then redis.call('HSET', owners, ARGV[i], me) end
end
local mine, all = {}, redis.call('HGETALL', owners)
for i = 1, #all, 2 do
  if all[i + 1] == me then mine[#mine + 1] = all[i] end
end
return {redis.call('ZRANGE', members, 0, -1), mine}
"""
"""A member's heartbeat. KEYS: members (scored by when they count as dead, on the server's clock), owners. ARGV: member
id, its time to live in ms (0: it leaves), how many partitions it releases, these, then those it wants. A partition is
granted when nobody alive owns it. Returns the live members and the partitions the caller owns."""
