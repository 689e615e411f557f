-- Create a gallery, or say which one has its name.
-- KEYS: catalog, alias, meta of the new gallery
-- ARGV: its name, its id, then fields and values of its meta
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  return {'alias'}
end
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  return {'held', held}
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[3], 'created_s', now[1] .. '.' .. string.format('%06d', now[2]),
  'name', ARGV[1], unpack(ARGV, 3))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return {'created'}
