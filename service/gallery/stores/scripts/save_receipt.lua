#!lua flags=allow-oom
-- Keep the receipt of an erasure; while it is not final, its identity stands among those erased.
-- KEYS: meta, receipts, erasing
-- ARGV: id of the receipt, its text, its state, its identity ('' without one)
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'gallery_not_found'}
end
local held = redis.call('HGET', KEYS[2], ARGV[1])
if held and cjson.decode(held)['state'] == 'final' and ARGV[3] ~= 'final' then
  return {'final'}
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if ARGV[3] ~= 'final' and ARGV[4] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
else
  redis.call('HDEL', KEYS[3], ARGV[1])
end
return {'saved'}
