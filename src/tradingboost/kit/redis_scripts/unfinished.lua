-- KEYS: streams. ARGV: one word a stream, the groups it must have, separated by commas ("" = whatever is there).
-- Returns {what is unfinished or "", newest ids of all streams}: a stream is finished when every group has been given
-- and has acknowledged its newest entry. (XINFO's own "lag" came with Redis 7; ids say the same on 6.2.)
local newest, open = {}, ''
for i, key in ipairs(KEYS) do
  local last, groups = '0-0', {}
  if redis.call('EXISTS', key) == 1 then
    local info = redis.call('XINFO', 'STREAM', key)
    for n = 1, #info, 2 do
      if info[n] == 'last-generated-id' then last = info[n + 1] end
    end
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
      local field = {}
      for n = 1, #group, 2 do field[group[n]] = group[n + 1] end
      groups[field['name']] = true
      if tonumber(field['pending']) > 0 or field['last-delivered-id'] ~= last then
        open = key .. ' ' .. field['name']
      end
    end
  end
  for name in string.gmatch(ARGV[i], '[^,]+') do
    if not groups[name] then open = key .. ' ' .. name end
  end
  newest[i] = last
end
return {open, table.concat(newest, ' ')}
