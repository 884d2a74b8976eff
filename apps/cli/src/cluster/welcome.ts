import { join } from "node:path";
import { shellWord } from "../format.ts";
import { repositoryFile } from "./load-settings.ts";

/** What the lines to paste depend on. */
export interface WelcomeFacts {
  readonly url: string;
  readonly dataDir: string;
  /** Whether the key came by `SLUICE_ADMIN_KEY` and stands in no file. */
  readonly keyIsGiven: boolean;
}

/** Where everything is, and lines that work as pasted. The key itself is never shown. */
export function welcome(facts: WelcomeFacts): string {
  const { url, dataDir, keyIsGiven } = facts;
  const keyPlace = keyIsGiven ? "the one in SLUICE_ADMIN_KEY" : join(dataDir, "admin-key");
  return `
Sluice runs.
  API    ${url}
  Docs   ${url}/docs
  Board  ${url}/queues   (any name, the admin key as password)
  Key    ${keyPlace}
  Logs   ${join(dataDir, "logs")}

To paste into another terminal:

# submit a job
${submitLine(facts)}

# submit a job and wait for its result
JOB=$(${submitLine(facts)} | ${pick("job_")}); curl -sw '\\n' "${url}/v1/jobs/$JOB?wait=30" ${auth(facts)}

# upload a file of requests, start a batch of it, look at the batch
FILE=$(curl -s ${url}/v1/files ${auth(facts)} -F purpose=batch -F file=@${shellWord(repositoryFile("examples", "sample.jsonl"))} | ${pick("file-")}); BATCH=$(curl -s ${url}/v1/batches ${auth(facts)} -H 'content-type: application/json' -d '{"input_file_id":"'$FILE'","endpoint":"/v1/chat/completions","completion_window":"24h"}' | ${pick("batch_")}); curl -sw '\\n' ${url}/v1/batches/$BATCH ${auth(facts)}

# the same with the sluice command
npx sluice submit --model auto "Name three rivers." --wait
npx sluice submit examples/sample.jsonl --wait
npx sluice jobs
`;
}

function submitLine(facts: WelcomeFacts): string {
  const body =
    '{"endpoint":"/v1/chat/completions","body":{"model":"auto","messages":[{"role":"user","content":"Name three rivers."}],"max_tokens":64}}';
  return `curl -sw '\\n' ${facts.url}/v1/jobs ${auth(facts)} -H 'content-type: application/json' -d '${body}'`;
}

function auth({ dataDir, keyIsGiven }: WelcomeFacts): string {
  const key = keyIsGiven ? "$SLUICE_ADMIN_KEY" : `$(cat ${shellWord(join(dataDir, "admin-key"))})`;
  return `-H "authorization: Bearer ${key}"`;
}

/** A filter that lets the first id with this prefix through. */
function pick(prefix: string): string {
  return `grep -o '${prefix}[0-9a-f-]*' | head -n 1`;
}
