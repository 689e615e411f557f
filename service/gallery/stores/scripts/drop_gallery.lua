#!lua flags=allow-oom
-- Delete a gallery, with its name, its aliases and all that is kept of it.
-- KEYS: catalog, alias, meta, then the gallery's other keys
-- ARGV: its id
local name = redis.call('HGET', KEYS[3], 'name')
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
redis.call('UNLINK', unpack(KEYS, 3))
return {'dropped'}
