-- One batch of changes. All is checked before the first change, and of the changes XADD comes
-- first: it alone can still fail (no memory, a seq that the log already has), and a script that
-- fails does not take back what it did.
-- KEYS: meta, rows, log, erasing, the answer to the idempotency key
-- ARGV: request ('' without a key), seconds that its answer is kept, then of each change:
--   put or delete, id, if_seq ('' for any), JSON [id, checksum], checksum, identity, body
local FIELDS, FIRST, HEAD_BYTES, ROW_VERSION = 7, 3, 21, 1
local meta, rows, log, erasing, answer = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local request, kept_s = ARGV[1], ARGV[2]

local state = redis.call('HMGET', meta, 'seq', 'tracklets', 'digest', 'chain', 'max_tracklets')
if not state[1] then
  return {'gallery_not_found'}
end
local last, tracklets, most = tonumber(state[1]), tonumber(state[2]), tonumber(state[5])
local digest, previous = tostring(state[3]), tostring(state[4])
if not (last and tracklets and digest:match('^%x+$') and #digest == 16 and #previous == 40) then
  return {'damaged'}
end
local high, low = tonumber(digest:sub(1, 8), 16), tonumber(digest:sub(9), 16)
if request ~= '' then
  local before = redis.call('GET', answer)
  if before then
    local seq, outcomes, of_request = before:match('^(%d+) (%l+) (.*)$')
    if of_request ~= request then
      return {'idempotency_conflict'}
    end
    return {'written', tonumber(seq), outcomes, 1}
  end
end

-- The digest that the set has of a held row. Where the row's copy of it is damaged, what it is made
-- of is not; and where that is damaged, the two have nothing in common.
local function digest_of(id, row)
  local _, seq, held, checksum = struct.unpack('<BI8c8I4', row)
  local made = redis.sha1hex(id .. string.format('\0%.0f\0%.0f', seq, checksum))
  local made_high, made_low = tonumber(made:sub(1, 8), 16), tonumber(made:sub(9, 16), 16)
  local held_high, held_low = struct.unpack('>I4I4', held)
  if made_high == held_high or made_low == held_low then
    return seq, {made_high, made_low}
  end
  return seq, {held_high, held_low}
end

local being_erased = {}
for _, identity in ipairs(redis.call('HVALS', erasing)) do
  being_erased[identity] = true
end
local held_digests, outcomes, wrong, refused = {}, {}, {'seq_conflict'}, nil
local touched, grown = 0, 0
for at = FIRST, #ARGV, FIELDS do
  local kind, id, if_seq, identity = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 5]
  local row, seq = redis.call('HGET', rows, id), 0
  if row and #row >= HEAD_BYTES then
    seq, held_digests[at] = digest_of(id, row)
  end
  if if_seq ~= '' and tonumber(if_seq) ~= seq then
    wrong[#wrong + 1] = id
    wrong[#wrong + 1] = seq
  end
  if kind == 'put' then
    if being_erased[identity] then
      refused = identity
    end
    outcomes[#outcomes + 1] = row and 'r' or 'c'
    grown = grown + (row and 0 or 1)
    touched = touched + 1
  else
    outcomes[#outcomes + 1] = row and 'd' or 'a'
    grown = grown - (row and 1 or 0)
    touched = touched + (row and 1 or 0)
  end
end
if #wrong > 1 then
  return wrong
elseif refused then
  return {'identity_being_erased', refused}
elseif most and grown > 0 and tracklets + grown > most then
  return {'full', most, tracklets, grown}
end

local seq = last
local told = table.concat(outcomes)
if touched > 0 then
  seq = seq + 1
  local seq_text = string.format('%.0f', seq)
  local put, gone, named = {}, {}, {}
  for at = FIRST, #ARGV, FIELDS do
    local id, replaced = ARGV[at + 1], held_digests[at]
    if replaced then
      high, low = bit.bxor(high, replaced[1]), bit.bxor(low, replaced[2])
    end
    if ARGV[at] == 'put' then
      local checksum = ARGV[at + 4]
      local of_row = redis.sha1hex(id .. '\0' .. seq_text .. '\0' .. checksum)
      local of_high, of_low = tonumber(of_row:sub(1, 8), 16), tonumber(of_row:sub(9, 16), 16)
      high, low = bit.bxor(high, of_high), bit.bxor(low, of_low)
      put[#put + 1] = id
      put[#put + 1] = struct.pack('<BI8', ROW_VERSION, seq)
        .. struct.pack('>I4I4', of_high, of_low)
        .. struct.pack('<I4', tonumber(checksum)) .. ARGV[at + 6]
      named[#named + 1] = ARGV[at + 3]
    elseif outcomes[(at - FIRST) / FIELDS + 1] == 'd' then
      gone[#gone + 1] = id
      named[#named + 1] = ARGV[at + 3]
    end
  end
  local keys = '[' .. table.concat(named, ',') .. ']'
  local chain = redis.sha1hex(previous .. '|' .. seq_text .. '|' .. keys)
  redis.call('XADD', log, seq_text .. '-0', 'keys', keys, 'p', previous, 'h', chain)
  if #put > 0 then
    redis.call('HSET', rows, unpack(put))
  end
  if #gone > 0 then
    redis.call('HDEL', rows, unpack(gone))
  end
  redis.call('HSET', meta, 'seq', seq_text, 'tracklets', string.format('%.0f', tracklets + grown),
    'digest', bit.tohex(high) .. bit.tohex(low), 'chain', chain)
end
if request ~= '' then
  redis.call('SET', answer, string.format('%.0f', seq) .. ' ' .. told .. ' ' .. request,
    'EX', kept_s)
end
return {'written', seq, told, 0}
