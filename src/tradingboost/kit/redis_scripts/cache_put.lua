-- Store a cached string unless what is there is newer. KEYS[1]: the key, KEYS[2]: the channel of invalidations.
-- ARGV: version, TTL in ms, value (a JSON object that begins with its version), what to tell the channel or "".
-- Returns 1 when stored. An equal version is stored again: it is the same fact, read later.
local there = redis.call('GET', KEYS[1])
if there then
  local version = string.match(there, '^{"v":(%d+)')
  if version and tonumber(version) > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
if ARGV[4] ~= '' then redis.call('PUBLISH', KEYS[2], ARGV[4]) end
return 1
