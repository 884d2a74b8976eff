import type { Command } from "commander";
import { command, type Finish } from "./command.ts";
import type { CliContext } from "./context.ts";

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
const loadKeys = () => import("./commands/keys.ts");
const loadTenants = () => import("./commands/tenants.ts");

/** `keys …`, for operators. */
export function addKeys(program: Command, context: CliContext, finish: Finish): void {
  const keys = command(program, "keys", {
    description: "API keys: make, look at, rotate and revoke them (an admin key)",
    examples: [
      "sluice keys create nightly --tenant research --expires-in 90d --usd-per-day 20",
      "sluice keys rotate key_… --overlap 1h",
    ],
  });
  ofTenant(keys, "create <name>", {
    description: "make a key; it is shown this once",
    examples: ["sluice keys create nightly --tenant research"],
  })
    .option("--admin", "it may do all that operators do, for every tenant")
    .option("--expires-in <duration>", "such as 90d; without an end it opens until it is revoked")
    .option("--expires-at <time>", "such as 2027-01-01T00:00:00Z")
    .option("--usd-per-day <usd>", "what calls of its jobs may cost a day")
    .action(async (name, flags) => finish((await loadKeys()).createKey(context, name, flags)));
  ofTenant(keys, "list", {
    description: "keys of a tenant, newest first",
    examples: ["sluice keys list --tenant research"],
  })
    .option("--limit <number>", "at most 100", "20")
    .option("--after <id>", "the page behind this key")
    .action(async (flags) => finish((await loadKeys()).listKeys(context, flags)));
  ofTenant(keys, "show <key>", {
    description: "one key",
    examples: ["sluice keys show key_… --tenant research"],
  }).action(async (id, flags) => finish((await loadKeys()).showKey(context, id, flags)));
  ofTenant(keys, "set <key>", {
    description: "change a key's name or budget",
    examples: ["sluice keys set key_… --usd-per-day 50"],
  })
    .option("--name <text>", "to know it by")
    .option("--usd-per-day <usd>", "what calls of its jobs may cost a day; `none` leaves it to the tenant")
    .action(async (id, flags) => finish((await loadKeys()).setKey(context, id, flags)));
  ofTenant(keys, "revoke <key>", {
    description: "end a key for good; every process knows within seconds",
    examples: ["sluice keys revoke key_… --tenant research"],
  }).action(async (id, flags) => finish((await loadKeys()).revokeKey(context, id, flags)));
  ofTenant(keys, "rotate <key>", {
    description: "give a key another secret, shown this once",
    examples: ["sluice keys rotate key_… --overlap 1h"],
  })
    .option(
      "--overlap <duration>",
      "how long the old secret opens too, at most 30d; 0s ends it at once",
      "24h",
    )
    .action(async (id, flags) => finish((await loadKeys()).rotateKey(context, id, flags)));
}

function ofTenant(keys: Command, name: string, about: Parameters<typeof command>[2]): Command {
  return command(keys, name, about)
    .option("--tenant <name>", "instead of the tenant of the key that asks")
    .option("--json", "the answer as JSON");
}

/** `tenants …`, for operators. */
export function addTenants(program: Command, context: CliContext, finish: Finish): void {
  const tenants = command(program, "tenants", {
    description: "tenants: make, look at, change and disable them (an admin key)",
    examples: [
      "sluice tenants create research --weight 2 --limit usd_per_day=50",
      "sluice tenants show research",
    ],
  });
  withSettings(
    command(tenants, "create <name>", {
      description: "make a tenant",
      examples: ["sluice tenants create research --weight 2 --limit usd_per_day=50 --limit concurrency=8"],
    }),
  ).action(async (id, flags) => finish((await loadTenants()).createTenant(context, id, flags)));
  command(tenants, "list", { description: "tenants by name", examples: ["sluice tenants list"] })
    .option("--limit <number>", "at most 100", "20")
    .option("--after <name>", "the page behind this tenant")
    .option("--json", "the page as JSON")
    .action(async (flags) => finish((await loadTenants()).listTenants(context, flags)));
  command(tenants, "show <name>", {
    description: "a tenant with what it spends, has queued and runs",
    examples: ["sluice tenants show research"],
  })
    .option("--json", "the tenant as JSON")
    .action(async (id, flags) => finish((await loadTenants()).showTenant(context, id, flags)));
  withSettings(
    command(tenants, "set <name>", {
      description: "change a tenant that was made over the API; what is not named stays",
      examples: ["sluice tenants set research --weight 3 --limit usd_per_day=none"],
    }),
  )
    .option("--enable", "after it was disabled")
    .action(async (id, flags) => finish((await loadTenants()).setTenant(context, id, flags)));
  command(tenants, "disable <name>", {
    description: "its keys open nothing from now on; what it has queued still runs",
    examples: ["sluice tenants disable research"],
  })
    .option("--json", "the tenant as JSON")
    .action(async (id, flags) => finish((await loadTenants()).disableTenant(context, id, flags)));
}

function withSettings(made: Command): Command {
  return made
    .option("--weight <number>", "its share while tenants are backlogged")
    .option("--max-priority <0-9>", "the highest priority that its jobs may ask for")
    .option("--tag <label>", "a label that rules may read; may be repeated", collect)
    .option("--limit <name=number>", "as in sluice.yaml; `none` takes it away; may be repeated", collect)
    .option("--json", "the tenant as JSON");
}
