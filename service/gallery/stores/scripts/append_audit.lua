#!lua flags=allow-oom
-- Append entries to the audit log, which keeps the newest ones.
-- KEYS: audit
-- ARGV: how many it keeps, then the entries
for at = 2, #ARGV do
  redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[1], '*', 'e', ARGV[at])
end
return {'appended'}
