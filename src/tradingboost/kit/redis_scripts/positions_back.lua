-- Take hashes of a migration away again, and put the array they were made of back, or change nothing at all.
-- KEYS: source, backup, index, then the hashes to remove. ARGV: SHA-1 of the backup ("" = the source still stands, put
-- nothing back), "1" to replace a source that has come again, then the member of each hash.
-- Answers: back | changed | source_exists
local source, backup, index = KEYS[1], KEYS[2], KEYS[3]
if ARGV[1] ~= '' then
  local raw = redis.call('GET', backup)
  if not raw or redis.sha1hex(raw) ~= ARGV[1] then
    return 'changed'
  end
  if redis.call('EXISTS', source) == 1 and ARGV[2] ~= '1' then
    return 'source_exists'
  end
  redis.call('SET', source, raw)
end
for n = 4, #KEYS do
  redis.call('DEL', KEYS[n])
  redis.call('SREM', index, ARGV[n - 1])
end
return 'back'
