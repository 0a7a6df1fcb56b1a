-- Store a sealed credential, or the mark that it ended, unless what is there is newer. KEYS[1]: a hash with the fields
-- version and, where it ended, ended. ARGV: version, "1" when it ended, TTL in ms, then field, value, field, value.
-- Returns 1 when stored. The mark of a version beats its ciphertext; a read that began before cannot bring it back.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
local given = tonumber(ARGV[1])
if version > given then return 0 end
if version == given and ARGV[2] ~= '1' and redis.call('HEXISTS', KEYS[1], 'ended') == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
