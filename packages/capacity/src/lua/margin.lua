-- What is kept free of a target's token limits: put after common.lua and before waiters.lua.
--
-- An upstream counts what a call takes in truth when it arrives, we what we expect, until it is settled. So calls under
-- way may have taken more than we count. How much more is learned from how far off the expectations of settled calls
-- were: the mean of the error for each call under way, if it is on the dear side, and three standard deviations of their
-- sum (errors of different calls being independent).
--
-- State, in the use hash of a target, over as many answers as 'out_n' says: 'e_i', 'e_iv', 'e_o', 'e_ov', mean and
-- variance of what input and output were above what was reserved, in tokens

local LEAST_MARGIN, FIRST_MARGIN, MOST_MARGIN = 0.01, 0.03, 0.15
-- So many answers must have been seen before they are believed.
local MARGIN_AFTER = 20
local MARGIN_DEVIATIONS = 3

local function errors_of(f, at)
  return { n = number(f[at], 0), i = number(f[at + 1], 0), iv = number(f[at + 2], 0), o = number(f[at + 3], 0),
    ov = number(f[at + 4], 0) }
end

-- The limits a minute without what is kept free of tokens.
local function with_margin(limits, errors, in_flight)
  local function usable(limit, mean, variance)
    if limit < 0 then return limit end
    local share = FIRST_MARGIN
    if errors.n >= MARGIN_AFTER then
      local most = in_flight * math.max(0, mean) + MARGIN_DEVIATIONS * math.sqrt(in_flight * variance)
      share = math.min(MOST_MARGIN, math.max(LEAST_MARGIN, most / limit))
    end
    return math.max(1, math.floor(limit * (1 - share)))
  end
  return {
    r = limits.r, c = limits.c,
    t = usable(limits.t, errors.i + errors.o, errors.iv + errors.ov),
    i = usable(limits.i, errors.i, errors.iv),
    o = usable(limits.o, errors.o, errors.ov),
  }
end

-- Mean and variance after one more sample of `n`.
local function learn_mean(mean, variance, sample, n)
  local delta = sample - mean
  return mean + delta / n, (1 - 1 / n) * (variance + delta * delta / n)
end
