-- KEYS: streams. Returns for each of them its newest id ("" = there is no such stream), then name and position of each group.
local found = {}
for i, key in ipairs(KEYS) do
  local one = {''}
  if redis.call('EXISTS', key) == 1 then
    local info = redis.call('XINFO', 'STREAM', key)
    for n = 1, #info, 2 do
      if info[n] == 'last-generated-id' then one[1] = info[n + 1] end
    end
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
      local field = {}
      for n = 1, #group, 2 do field[group[n]] = group[n + 1] end
      one[#one + 1] = field['name']
      one[#one + 1] = field['last-delivered-id']
    end
  end
  found[i] = one
end
return found
