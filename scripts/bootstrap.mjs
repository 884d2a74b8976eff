// `npm start`, `npm test`, `npm run bench`, `npm run faults`, `npm run mutate`: brings what a fresh clone lacks, then hands over to Node 24.
import { ensureInstalled, fail, root } from "./lib/install.mjs";
import { become, runToEnd } from "./lib/run.mjs";

const [command, ...args] = process.argv.slice(2);

switch (command) {
  case "start":
    ensureInstalled();
    if (args[0] === "run") become("apps/cli/src/main.ts", args, { drains: true });
    else become("apps/cli/src/main.ts", ["up", ...args], { drains: true });
    break;
  case "test":
    ensureInstalled();
    if (!runToEnd("packages/embedded/src/ensure-redis.ts")) process.exit(1);
    process.chdir(root);
    become("scripts/run-checks.ts", args);
    break;
  case "bench":
    ensureInstalled();
    if (!runToEnd("packages/embedded/src/ensure-redis.ts")) process.exit(1);
    become("test/bench/main.ts", args);
    break;
  case "faults":
    ensureInstalled();
    if (!runToEnd("packages/embedded/src/ensure-redis.ts")) process.exit(1);
    become("test/faults/main.ts", args);
    break;
  case "mutate":
    ensureInstalled();
    if (!runToEnd("packages/embedded/src/ensure-redis.ts")) process.exit(1);
    become("test/mutation/main.ts", args);
    break;
  default:
    fail("usage: node scripts/bootstrap.mjs start [run FILE …] | test | bench | faults | mutate");
}
