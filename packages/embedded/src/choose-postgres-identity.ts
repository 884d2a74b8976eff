/** An account of this machine. */
export type Account = { readonly name: string; readonly uid: number; readonly gid: number };

/** What is known when PostgreSQL is about to be run. */
export type IdentityFacts = {
  readonly uid: number;
  readonly gid: number;
  /** Owner of the data, when there is data already. */
  readonly dataOwner: number | undefined;
  /** Whether a user namespace can reach both programs and data. */
  readonly namespaceWorks: boolean;
  readonly accounts: readonly Account[];
};

/**
 * Who PostgreSQL runs as. It refuses root and users without an account, so root is shown to it as somebody else in a
 * user namespace (`seen`: outside it is still us, so every directory stays reachable and ours), or it really runs as
 * another account.
 */
export type PostgresIdentity =
  | { readonly kind: "same-user" }
  | { readonly kind: "namespace"; readonly seen: Account }
  | { readonly kind: "other-account"; readonly account: Account };

/** Decides who PostgreSQL runs as; throws when this user has no account and namespaces are forbidden. */
export function choosePostgresIdentity(facts: IdentityFacts): PostgresIdentity {
  const { uid, gid, dataOwner, namespaceWorks, accounts } = facts;
  const known = accounts.some((account) => account.uid === uid);
  if (uid !== 0 && known) return { kind: "same-user" };
  const ordinary = ordinaryAccount(accounts);
  const foreign = dataOwner !== undefined && dataOwner !== 0 && uid === 0 ? dataOwner : undefined;
  if (foreign !== undefined) {
    // Root found the data of somebody else: run as that user, so that it stays theirs.
    return {
      kind: "other-account",
      account: accounts.find((account) => account.uid === foreign) ?? {
        name: String(foreign),
        uid: foreign,
        gid,
      },
    };
  }
  if (namespaceWorks && ordinary !== undefined) return { kind: "namespace", seen: ordinary };
  if (uid === 0 && ordinary !== undefined) return { kind: "other-account", account: ordinary };
  throw new Error(
    "PostgreSQL needs a user with an entry in /etc/passwd: run as such a user, or set DATABASE_URL.",
  );
}

function ordinaryAccount(accounts: readonly Account[]): Account | undefined {
  const byName = (name: string): Account | undefined =>
    accounts.find((account) => account.name === name && account.uid !== 0);
  return byName("postgres") ?? byName("nobody") ?? accounts.find((account) => account.uid !== 0);
}
