-- Make an index say what hashes there are. KEYS: index, then hashes. ARGV: TTL in ms, then the member of each hash.
-- Answers how many members were added and removed.
local added, removed = 0, 0
for n = 2, #KEYS do
  if redis.call('EXISTS', KEYS[n]) == 1 then
    added = added + redis.call('SADD', KEYS[1], ARGV[n])
  else
    removed = removed + redis.call('SREM', KEYS[1], ARGV[n])
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return {added, removed}
