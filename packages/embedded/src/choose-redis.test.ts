import { expect, test } from "vitest";
import { chooseRedis, type RedisFacts } from "./choose-redis.ts";

const nothing: RedisFacts = { binaries: [], canApt: false, dockerAnswers: false, preferContainer: false };
const everything: RedisFacts = {
  redisUrl: "redis://elsewhere:6379",
  binaries: ["/usr/bin/redis-server", "/usr/bin/valkey-server"],
  canApt: true,
  dockerAnswers: true,
  preferContainer: true,
};

test("a URL wins over everything on this machine", () => {
  expect(chooseRedis(everything)).toEqual({ kind: "external", url: "redis://elsewhere:6379" });
});

test("an empty URL counts as none", () => {
  expect(chooseRedis({ ...nothing, redisUrl: "", canApt: true })).toEqual({ kind: "install-with-apt" });
});

test("a local binary wins over apt and Docker", () => {
  const facts = { ...everything, redisUrl: undefined, preferContainer: false };
  expect(chooseRedis(facts)).toEqual({ kind: "binary", path: "/usr/bin/redis-server" });
});

test("a test that asks for containers gets one when Docker answers", () => {
  expect(chooseRedis({ ...everything, redisUrl: undefined })).toEqual({ kind: "container" });
});

test("a test that asks for containers gets the local binary when Docker does not answer", () => {
  const facts = { ...everything, redisUrl: undefined, dockerAnswers: false };
  expect(chooseRedis(facts)).toEqual({ kind: "binary", path: "/usr/bin/redis-server" });
});

test("without a binary apt comes before a container", () => {
  expect(chooseRedis({ ...nothing, canApt: true, dockerAnswers: true })).toEqual({
    kind: "install-with-apt",
  });
});

test("a container is the last resort", () => {
  expect(chooseRedis({ ...nothing, dockerAnswers: true })).toEqual({ kind: "container" });
});

test("with nothing at hand the answer says what to install", () => {
  const choice = chooseRedis(nothing);
  expect(choice.kind).toBe("impossible");
  expect(choice.kind === "impossible" && choice.message).toContain("redis-server");
});
