import { expect, test } from "vitest";
import { parseRedisUrl } from "./parse-redis-url.ts";

test("reads a plain URL with login and database", () => {
  expect(parseRedisUrl("redis://user:p%40ss@cache.example:7000/3")).toEqual({
    kind: "single",
    node: { host: "cache.example", port: 7000 },
    database: 3,
    tls: false,
    username: "user",
    password: "p@ss",
  });
});

test("fills in the port, database 0, and no login", () => {
  expect(parseRedisUrl("redis://localhost")).toEqual({
    kind: "single",
    node: { host: "localhost", port: 6379 },
    database: 0,
    tls: false,
  });
});

test("rediss:// asks for TLS, and an IPv6 host loses its brackets", () => {
  expect(parseRedisUrl("rediss://[::1]:6380")).toMatchObject({
    tls: true,
    node: { host: "::1", port: 6380 },
  });
});

test("several URLs with commas make a cluster with the login of the first", () => {
  expect(parseRedisUrl("redis://:secret@a:1, redis://b:2,redis://c")).toEqual({
    kind: "cluster",
    nodes: [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
      { host: "c", port: 6379 },
    ],
    tls: false,
    password: "secret",
  });
});

test("reads sentinels, the master's name, login and database", () => {
  expect(parseRedisUrl("redis+sentinel://:pw@s1:26380,s2/my%20master/2")).toEqual({
    kind: "sentinel",
    sentinels: [
      { host: "s1", port: 26380 },
      { host: "s2", port: 26379 },
    ],
    master: "my master",
    database: 2,
    tls: false,
    password: "pw",
  });
});

test.each([
  "",
  "http://localhost",
  "localhost:6379",
  "redis://h/notanumber",
  "redis+sentinel://h:1",
  "redis+sentinel:///m",
])("refuses %j with a sentence", (text) => {
  expect(() => parseRedisUrl(text)).toThrow(/REDIS_URL/);
});

test("an error never repeats the password", () => {
  expect(() => parseRedisUrl("redis://u:hunter2@h:1/x")).toThrow(expect.not.stringContaining("hunter2"));
  expect(() => parseRedisUrl("redis+sentinel://u:hunter2@h:1")).toThrow(
    expect.not.stringContaining("hunter2"),
  );
});
