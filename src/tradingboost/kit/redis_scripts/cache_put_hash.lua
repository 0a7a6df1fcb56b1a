-- Store a cached hash unless what is there is newer. KEYS[1]: the key, KEYS[2]: the channel of invalidations.
-- ARGV: version, TTL in ms, what to tell the channel or "", then field, value, field, value; the field _v is set here.
-- Returns 1 when stored. An equal version is stored again: it is the same fact, read later.
local version = redis.call('HGET', KEYS[1], '_v')
if version and tonumber(version) > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '_v', ARGV[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('PUBLISH', KEYS[2], ARGV[3]) end
return 1
