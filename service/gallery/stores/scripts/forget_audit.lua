#!lua flags=allow-oom
-- Forget entries of the audit log.
-- KEYS: audit
-- ARGV: their positions
redis.call('XDEL', KEYS[1], unpack(ARGV))
return {'forgotten'}
