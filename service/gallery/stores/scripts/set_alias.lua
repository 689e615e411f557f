#!lua flags=allow-oom
-- Point an alias at a gallery, or remove it.
-- KEYS: catalog, alias, and meta of the gallery unless it is removed
-- ARGV: the alias, the gallery's id ('' to remove it)
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  return {'removed'}
elseif redis.call('EXISTS', KEYS[3]) == 0 then
  return {'gallery_not_found'}
elseif redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  return {'gallery'}
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {'set'}
