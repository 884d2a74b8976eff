#!/usr/bin/env node
// The `sluice` command: plain JavaScript that runs on Node 20, installs what is missing and hands over to Node 24.
import { ensureInstalled } from "../scripts/lib/install.mjs";
import { become } from "../scripts/lib/run.mjs";

ensureInstalled();
become("apps/cli/src/main.ts", process.argv.slice(2));
