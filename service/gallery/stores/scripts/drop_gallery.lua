#!lua flags=allow-oom
-- Delete a gallery, with its name, its aliases and all that is kept of it.
-- KEYS: catalog, alias, dropped, meta, then the gallery's other keys
-- ARGV: its id
local name = redis.call('HGET', KEYS[4], 'name')
if not name then
  return {'gallery_not_found'}
end
redis.call('HDEL', KEYS[1], name)
local aliases = redis.call('HGETALL', KEYS[2])
for at = 1, #aliases, 2 do
  if aliases[at + 1] == ARGV[1] then
    redis.call('HDEL', KEYS[2], aliases[at])
  end
end
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('UNLINK', unpack(KEYS, 4))
return {'dropped'}
