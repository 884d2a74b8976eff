import { afterEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi, testContext } from "../fake-api.fixture.ts";
import { runProgram } from "../program.ts";
import { judgeReadiness } from "./check-processes.ts";
import { findingLine, runChecks } from "./finding.ts";

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

test("a failed check is wrong, a warning is not", () => {
  const body = {
    ready: false,
    checks: { ledger: { ok: false, detail: "no answer" } },
    warnings: [{ cause: "redis", detail: "evicts" }],
  };
  expect(
    judgeReadiness(JSON.stringify(body), "http://x").map(({ level, message }) => `${level} ${message}`),
  ).toEqual(["error cannot do its work: ledger (no answer); look into its log.", "warning redis: evicts"]);
  expect(judgeReadiness("<html>", "http://x")[0]).toMatchObject({ level: "error" });
});

test("a check that throws is a finding like any other", async () => {
  const findings = await runChecks([
    { name: "a", run: () => Promise.reject(new Error("it broke")) },
    { name: "b", run: async () => [{ level: "ok", message: "fine" }] },
  ]);
  expect(findings.map(findingLine)).toEqual(["WRONG    a: it broke", "ok       b: fine"]);
});

async function doctor(readiness: unknown, env: Record<string, string> = {}) {
  api = await startFakeApi({
    "GET /readyz": { json: readiness },
    "GET /v1/jobs": { json: { data: [], has_more: false, last_id: null } },
  });
  const context = testContext({ SLUICE_URL: api.url, SLUICE_API_KEY: "k", ...env });
  const code = await runProgram(context, ["doctor", "--json"]);
  context.remove();
  return {
    code,
    answer: JSON.parse(context.written().out) as { ok: boolean; findings: { name: string; level: string }[] },
  };
}

test("a healthy cluster elsewhere ends with 0", async () => {
  const { code, answer } = await doctor({ ready: true, checks: {}, warnings: [] });
  expect([code, answer.ok]).toEqual([0, true]);
  expect(answer.findings.map(({ name }) => name)).toEqual(["Node", "Configuration", "API", "Key"]);
});

test("an API that cannot do its work ends with 1", async () => {
  const { code, answer } = await doctor({ ready: false, checks: { ledger: { ok: false } }, warnings: [] });
  expect([code, answer.ok]).toEqual([1, false]);
  expect(answer.findings.filter(({ level }) => level === "error").map(({ name }) => name)).toEqual(["API"]);
});

test("stores that do not answer are told without their URLs, which hold passwords", async () => {
  const { code, answer } = await doctor(
    { ready: true, checks: {}, warnings: [] },
    { REDIS_URL: "redis://:s3cret@127.0.0.1:1", DATABASE_URL: "postgres://u:s3cret@127.0.0.1:1/x" },
  );
  expect(code).toBe(1);
  expect(answer.findings.filter(({ level }) => level === "error").map(({ name }) => name)).toEqual([
    "Redis",
    "PostgreSQL",
  ]);
  expect(JSON.stringify(answer)).not.toContain("s3cret");
});

test("without a cluster every missing part says what to do", async () => {
  const context = testContext();
  expect(await runProgram(context, ["doctor"])).toBe(1);
  const { out } = context.written();
  for (const part of ["Redis", "PostgreSQL", "API"])
    expect(out).toMatch(new RegExp(`WRONG +${part}: .*npm start`));
  context.remove();
});
