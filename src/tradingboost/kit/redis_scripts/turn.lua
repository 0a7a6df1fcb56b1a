-- What is new on some streams goes to the groups in one turn. KEYS: the streams. ARGV[1]: words, one a line (one argument
-- and one answer cost the client far less than forty). For each stream: the id its news follow, their last id, their number;
-- how many groups they are none of the business of, and the names of these; how many members wait for them, and group and
-- name of each.
-- Returns one word for each group, in that order: 1 = it has been moved past the news (or was there), or was given them,
-- 0 = it stands elsewhere and has to read by itself, -1 = it was given something else.
-- A group is touched only where it stands exactly before the news, so nothing it has not seen is skipped. That the last one
-- is still there says that a server which took over holds all before it as well.
local answers, word = {}, string.gmatch(ARGV[1], '[^\n]+')

for _, key in ipairs(KEYS) do
  local before, last, count = word(), word(), tonumber(word())
  local at = {}
  if #redis.call('XRANGE', key, last, last) == 1 then
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
      local field = {}
      for i = 1, #group, 2 do field[group[i]] = group[i + 1] end
      at[field['name']] = field['last-delivered-id']
    end
  end
  for _ = 1, tonumber(word()) do
    local name, moved = word(), '0'
    if at[name] == before then
      redis.call('XGROUP', 'SETID', key, name, last)
      moved = '1'
    elseif at[name] == last then
      moved = '1'
    end
    answers[#answers + 1] = moved
  end
  for _ = 1, tonumber(word()) do
    local name, member, given = word(), word(), '0'
    if at[name] == before then
      local read = redis.call('XREADGROUP', 'GROUP', name, member, 'COUNT', count, 'STREAMS', key, '>')
      local entries = read and read[1][2] or {}
      given = (#entries == count and entries[count][1] == last) and '1' or '-1'
    end
    answers[#answers + 1] = given
  end
end
return table.concat(answers, ' ')
