import { expect, test } from "vitest";
import { choosePostgresIdentity, type IdentityFacts } from "./choose-postgres-identity.ts";

const root = { name: "root", uid: 0, gid: 0 };
const nobody = { name: "nobody", uid: 65534, gid: 65534 };
const ann = { name: "ann", uid: 1000, gid: 1000 };
const asRoot: IdentityFacts = {
  uid: 0,
  gid: 0,
  dataOwner: undefined,
  namespaceWorks: true,
  accounts: [root, nobody, ann],
};

test("an ordinary user runs PostgreSQL as itself", () => {
  expect(choosePostgresIdentity({ ...asRoot, uid: 1000, gid: 1000 })).toEqual({ kind: "same-user" });
});

test("root runs it in a user namespace", () => {
  expect(choosePostgresIdentity(asRoot)).toEqual({ kind: "namespace", seen: nobody });
});

test("root runs it as another account where namespaces are forbidden", () => {
  expect(choosePostgresIdentity({ ...asRoot, namespaceWorks: false })).toEqual({
    kind: "other-account",
    account: nobody,
  });
});

test("root prefers an account named postgres", () => {
  const postgres = { name: "postgres", uid: 101, gid: 104 };
  const facts = { ...asRoot, namespaceWorks: false, accounts: [root, nobody, postgres] };
  expect(choosePostgresIdentity(facts)).toEqual({ kind: "other-account", account: postgres });
});

test("root leaves another user's data to that user", () => {
  expect(choosePostgresIdentity({ ...asRoot, dataOwner: 1000 })).toEqual({
    kind: "other-account",
    account: ann,
  });
});

test("a user without an account is given one inside a namespace", () => {
  expect(choosePostgresIdentity({ ...asRoot, uid: 4711, gid: 4711 })).toEqual({
    kind: "namespace",
    seen: nobody,
  });
});

test("a user without an account and without namespaces is told what to do", () => {
  expect(() => choosePostgresIdentity({ ...asRoot, uid: 4711, namespaceWorks: false })).toThrow(
    "DATABASE_URL",
  );
});
