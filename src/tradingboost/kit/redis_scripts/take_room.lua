-- KEYS[1]: one window of requests. ARGV: how much may be used, width of a slice in ms, what is asked for, who asks.
-- Returns {1 when taken, ms until it would fit, processes that asked within the last minute}. The server's own clock
-- counts, so that all processes count alike; eleven slices are looked back over (see kit/ratelimit.py).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, width, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local current = math.floor(now / width)
local used, sharers, slices = 0, 1, {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local kind, name = string.sub(fields[i], 1, 1), string.sub(fields[i], 2)
  if kind == 's' then
    if tonumber(name) < current - 10 then
      redis.call('HDEL', KEYS[1], fields[i])
    else
      slices[#slices + 1] = {tonumber(name), tonumber(fields[i + 1])}
      used = used + tonumber(fields[i + 1])
    end
  elseif now - tonumber(fields[i + 1]) > 60000 then
    redis.call('HDEL', KEYS[1], fields[i])
  elseif name ~= ARGV[4] then
    sharers = sharers + 1
  end
end
redis.call('HSET', KEYS[1], 'p' .. ARGV[4], now)
redis.call('PEXPIRE', KEYS[1], 60000)
if used + cost <= most then
  redis.call('HINCRBY', KEYS[1], 's' .. current, cost)
  return {1, 0, sharers}
end
table.sort(slices, function(a, b) return a[1] < b[1] end)
local over = used + cost - most
for _, slice in ipairs(slices) do
  over = over - slice[2]
  if over <= 0 then return {0, (slice[1] + 11) * width - now, sharers} end
end
return {0, width * 11, sharers}
