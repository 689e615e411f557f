#!lua flags=allow-oom
-- One command on a key of a gallery, where there is such a gallery.
-- KEYS: meta, the key
-- ARGV: the command, and what follows its key
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'gallery_not_found'}
end
redis.call(ARGV[1], KEYS[2], unpack(ARGV, 2))
return {'done'}
