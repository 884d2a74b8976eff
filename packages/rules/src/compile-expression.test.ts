import { describe, expect, test } from "vitest";
import { compileExpression, prepareFacts, type RuleFacts } from "./index.ts";

const facts: RuleFacts = {
  request: {
    tools: [{ type: "function" }],
    max_tokens: 100,
    messages: [{ role: "user", content: [{ type: "image_url" }] }],
    secret: "SECRET",
    nothing: null,
  },
  tenant: { id: "acme", tags: ["eu", "gold"], weight: 2 },
  job: {
    endpoint: "/v1/chat/completions",
    model: "auto",
    sla: "batch",
    priority: 3,
    attempt: 2,
    metadata: { team: "search" },
    deadlineAt: Date.UTC(2026, 10, 20),
    slackMs: 90_000,
    inputTokens: 5_000,
    maxOutputTokens: undefined,
    capabilities: ["tools"],
  },
  signals: {
    "t-1": {
      inFlight: 3,
      requestsUsed: 0.5,
      tokensUsed: 0,
      concurrencyUsed: 0,
      latencyMs: 800,
      errorRate: 0.1,
      isPaused: false,
    },
  },
};

function compiled(text: string) {
  const result = compileExpression(text);
  if (!result.ok) throw new Error(result.problem);
  return result.expression;
}

const ask = (text: string) => compiled(text).evaluate(prepareFacts(facts));

test.each([
  ["has(request.tools) && request.tools.size() > 0", true],
  ["tenant.tags.exists(t, t == 'eu')", true],
  ["'us' in tenant.tags", false],
  ["tenant.weight >= 2.0", true],
  ["request.max_tokens == 100 && request.max_tokens < 101", true],
  ["request.messages.exists(m, m.content.exists(c, c.type == 'image_url'))", true],
  ["request.messages.filter(m, m.role == 'user').size() == 1", true],
  ["job.priority == 3 && job.attempt > 1 && job.slack_s < 120.0", true],
  ["job.input_tokens > 4000 && job.max_output_tokens == 0", true],
  ["job.metadata.team == 'search' && !has(job.metadata.other)", true],
  ["'tools' in job.capabilities", true],
  ["job.deadline_at > timestamp('2026-01-01T00:00:00Z')", true],
  ["signals['t-1'].in_flight > 2.0 && !signals['t-1'].paused", true],
  ["has(request.constructor)", false],
])("%s is %s", (text, matched) => {
  expect(ask(text)).toEqual({ matched });
});

test.each([
  ["request.missing == 1", "no such key at character 9"],
  ["request.nothing.size() > 0", "no matching overload at character 1"],
  ["int(request.secret) == 1", "int conversion error at character 1"],
  ["request[request.secret] == 1", "no such key at character 1"],
  ["request.max_tokens", "the value is neither true nor false"],
])("%s does not match and says why without a word of the request", (text, error) => {
  const verdict = ask(text);
  expect(verdict.matched).toBe(false);
  expect(verdict).toEqual({ matched: false, error });
  expect(JSON.stringify(verdict)).not.toContain("SECRET");
});

describe("refuses at load", () => {
  test.each([
    ["tenant.tag == 'eu'", /No such key: tag/, 7],
    ["tenants.id == 'a'", /Unknown variable: tenants/, 0],
    ["tenant.id == 5", /no such overload/, 0],
    ["signals['t-1'].inflight > 1.0", /No such key: inflight/, 15],
    ["job.priority + 1", /must be true or false, this is of type int/, 0],
    ["tenant.id ==", /Unexpected token/, 12],
    ["request.prompt.matches('(a+)+$')", /for ever/, 0],
    ["cel.bind(x, request.messages, x.exists(m, m == 1))", /not supported/, 0],
    [
      "request.messages.exists(m, request.messages.exists(n, n == m))",
      /request cannot be named|must run over the fields of m/,
      27,
    ],
    ["request.messages.exists(m, m.role == request.role)", /request cannot be named inside a loop/, 37],
    ["request.a.exists(a, tenant.tags.exists(t, t == a))", /must run over the fields of a/, 20],
    ["request.a.map(m, m.b).exists(l, l == 1)", /must run over a field/, 0],
    ["(request.a + request.b).exists(l, l == 1)", /must run over a field/, 1],
  ])("%s", (text, problem, at) => {
    const result = compileExpression(text);
    expect(result).toMatchObject({ ok: false, problem: expect.stringMatching(problem) as string });
    if (!result.ok) expect(result.at).toBe(at);
  });

  test("an expression that is too long, or has too many parts", () => {
    const long = compileExpression(`tenant.id == '${"a".repeat(2_000)}'`);
    expect(long).toMatchObject({ ok: false, problem: "is longer than 2000 characters" });
    const wide = compileExpression(Array.from({ length: 150 }, () => "1 == 1").join(" || "));
    expect(wide).toMatchObject({ ok: false, problem: expect.stringMatching(/exceed/i) as string });
  });
});

test("says which expressions read the request, name targets, or say the same of every job", () => {
  expect(compiled("tenant.id == 'a'").readsRequest).toBe(false);
  expect(compiled("has(request.tools)").readsRequest).toBe(true);
  expect(compiled("signals.a.paused").readsSignals).toBe(true);
  expect(compiled("has(request.tools)").readsSignals).toBe(false);
  expect(compiled("signals.a.in_flight > signals['b'].in_flight").namedTargets.map(({ id }) => id)).toEqual([
    "a",
    "b",
  ]);
  expect(
    [compiled("true"), compiled("1 > 2"), compiled("tenant.id == ''")].map(({ constant }) => constant),
  ).toEqual([true, false, undefined]);
});
