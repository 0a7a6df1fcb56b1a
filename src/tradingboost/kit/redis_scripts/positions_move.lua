-- Turn one array of positions into a hash a position and an index, or change nothing at all.
-- The server runs it as one, as it would MULTI; unlike MULTI it reads back what it wrote before the source goes.
-- KEYS: source, index, then a hash a position. ARGV: SHA-1 of the source ("" = it is on another server and stays), TTL in
-- ms, "1" to take the place of hashes of others, the name of the source, then for each hash: its member, the number of its
-- words, and field, value, field, value, ...
-- Answers: moved | changed | occupied | unequal
local source, index = KEYS[1], KEYS[2]
if ARGV[1] ~= '' then
  local raw = redis.call('GET', source)
  if not raw or redis.sha1hex(raw) ~= ARGV[1] then
    return 'changed'
  end
end
local hashes, at = {}, 5
for n = 3, #KEYS do
  local member, words = ARGV[at], tonumber(ARGV[at + 1])
  local fields = {}
  for each = 1, words do
    fields[each] = ARGV[at + 1 + each]
  end
  hashes[n - 2] = {key = KEYS[n], member = member, fields = fields}
  at = at + 2 + words
  local from = redis.call('HGET', KEYS[n], 'migrated_from')
  if redis.call('EXISTS', KEYS[n]) == 1 and from ~= ARGV[4] and ARGV[3] ~= '1' then
    return 'occupied'
  end
end
for _, one in ipairs(hashes) do
  redis.call('DEL', one.key)
  redis.call('HSET', one.key, unpack(one.fields))
  redis.call('PEXPIRE', one.key, ARGV[2])
  redis.call('SADD', index, one.member)
end
if #hashes > 0 then
  redis.call('PEXPIRE', index, ARGV[2])
end
for _, one in ipairs(hashes) do
  local sound = redis.call('SISMEMBER', index, one.member) == 1
  sound = sound and redis.call('HLEN', one.key) * 2 == #one.fields
  for each = 1, #one.fields, 2 do
    sound = sound and redis.call('HGET', one.key, one.fields[each]) == one.fields[each + 1]
  end
  if not sound then
    for _, written in ipairs(hashes) do
      redis.call('DEL', written.key)
      redis.call('SREM', index, written.member)
    end
    return 'unequal'
  end
end
if ARGV[1] ~= '' then
  redis.call('DEL', source)
end
return 'moved'
