/** One thing made wrong in the scripts of packages/capacity/src/lua, which tests must notice. */
export interface Mutation {
  readonly name: string;
  /** Name of the script, without its ending. */
  readonly script: string;
  /** What stands there, exactly once; and what is put in its place. */
  readonly from: string;
  readonly to: string;
}

/** Each takes away one promise of the capacity scripts. */
export const mutations: readonly Mutation[] = [
  {
    name: "what a tenant takes is not counted",
    script: "reserve",
    from: "record[10] = take(tenant, tenant_log, tenant_limit.day_m >= 0 and tenant_day or '')",
    to: "record[10] = nil",
  },
  {
    name: "a tenant's requests a minute are not asked for",
    script: "reserve",
    from: "require_window('tenant.requests_per_minute', tenant_limit.r, tenant_used.r, 1, tenant_log, requests)",
    to: "",
  },
  {
    name: "what a target takes of the day is not asked for",
    script: "reserve",
    from: "require_day('target.usd_per_day', target_limit.day_m, 'm', target_day, micro_usd)",
    to: "",
  },
  {
    name: "one call more than the concurrency is let through",
    script: "reserve",
    from: "in_flight >= math.max(1, limit)",
    to: "in_flight > math.max(1, limit)",
  },
  {
    name: "one token more than the limit is let through",
    script: "reserve",
    from: "if excess > 0 then deny(name, wait_for(log, excess, amount)) end",
    to: "if excess > 1 then deny(name, wait_for(log, excess, amount)) end",
  },
  {
    name: "reservations of dead workers are not taken back",
    script: "reserve",
    from: "sweep(owners, now)",
    to: "",
  },
  {
    name: "a grant takes no turn",
    script: "reserve",
    from: "if not has_turn(target) then return yield('target.turn') end",
    to: "",
  },
  {
    name: "what a tenant is given is not charged to it",
    script: "reserve",
    from: "if target.floor then charge(target, target.floor, turn, input + output) end",
    to: "",
  },
  {
    name: "jobs with time are not paced",
    script: "reserve",
    from: "require_pace('target.pace', minute_limits, used)",
    to: "",
  },
  {
    name: "settling does not take over the real output",
    script: "settle",
    from: "add(scope[1], 'o', output - record[3])",
    to: "",
  },
  {
    name: "settling does not end the call",
    script: "settle",
    from: "age(ARGV[2], record, math.min(now, sent_at + SEND_MARGIN_MS))",
    to: "",
  },
  {
    name: "a call ages from its reservation, not from when it was sent",
    script: "settle",
    from: "record[1] + tonumber(ARGV[5])",
    to: "record[1]",
  },
  {
    name: "a release keeps its place",
    script: "release",
    from: "add(scope[1], 'c', -1)",
    to: "",
  },
  {
    name: "a release keeps its money",
    script: "release",
    from: "settle_budgets(record, now, 0)",
    to: "",
  },
  {
    name: "a window is a second too short",
    script: "common",
    from: "local WINDOW_MS = 60000",
    to: "local WINDOW_MS = 59000",
  },
  {
    name: "a day is an hour too short",
    script: "common",
    from: "local DAY_HOURS = 24",
    to: "local DAY_HOURS = 23",
  },
  {
    name: "a dead worker's calls are taken to have been sent before its lease ended",
    script: "leases",
    from: "age(entries[e], record, ended_at + SEND_MARGIN_MS)",
    to: "age(entries[e], record, record[1])",
  },
  {
    name: "a call does not hold its budget",
    script: "budgets",
    from: "      add(budget.key, 'm', micro_usd)\n",
    to: "",
  },
  {
    name: "freed room wakes nobody",
    script: "waiters",
    from: "for _, scope in ipairs(scopes_of(reservation)) do wake_waiters(parked, scope[1], scope[2], now, wake) end",
    to: "",
  },
  {
    name: "a tenant that comes is owed all that the others were given before",
    script: "fair-order",
    from: "if not counter then return floor end",
    to: "if not counter then return 0 end",
  },
  {
    name: "what an upstream says is left is not taken over",
    script: "learn",
    from: "if difference > 0 and reset > 0 then",
    to: "if false then",
  },
  {
    name: "failures in a row do not open the breaker",
    script: "breaker",
    from: " or row >= FAILURES_IN_A_ROW then",
    to: " then",
  },
  {
    name: "no more is kept free of a token limit the further off the estimates were",
    script: "margin",
    from: "math.min(MOST_MARGIN, math.max(LEAST_MARGIN, most / limit))",
    to: "LEAST_MARGIN",
  },
  {
    name: "room is given before the windows are rebuilt",
    script: "reserve",
    from: "if redis.call('EXISTS', KEYS[11]) == 0 then return { 0, 'target.cold', 1000, 0 } end",
    to: "",
  },
  {
    name: "calls of before a loss of Redis are not counted",
    script: "warm",
    from: "    count(use, r, i, o, 0, 0)\n",
    to: "",
  },
  {
    name: "refusals do not lower a learned concurrency",
    script: "learned-concurrency",
    from: "      fall(learned, now, SHRINK)\n",
    to: "",
  },
];
