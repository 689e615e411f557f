-- Say of which layout the keys are, where nothing says so yet.
-- KEYS: layout
-- ARGV: the layout of this release
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return {'set'}
