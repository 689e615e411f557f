-- Remember a gallery that was lost as one that was dropped.
-- KEYS: dropped
-- ARGV: its id
redis.call('SADD', KEYS[1], ARGV[1])
return {'given_up'}
