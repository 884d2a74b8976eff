import { readFileSync } from "node:fs";

/** A TypeScript snippet of a README. */
export interface Snippet {
  /** Which file it stands in, and its number there. */
  readonly name: string;
  readonly code: string;
  /** Whether it says that it ends by itself when it is run against a cluster. */
  readonly runs: boolean;
}

const ours = new URL("../../packages/client/README.md", import.meta.url);
const front = new URL("../../README.md", import.meta.url);

/** All TypeScript snippets of the client's README, and those of the repository's that use the client. */
export function readmeSnippets(): Snippet[] {
  return [
    ...snippetsOf("client", ours),
    ...snippetsOf("front", front).filter(({ code }) => code.includes("@sluice/")),
  ];
}

function snippetsOf(name: string, file: URL): Snippet[] {
  const snippets = readFileSync(file, "utf8").matchAll(/^```ts( run)?\n(.*?)^```$/gms);
  return [...snippets].map(([, run, code = ""], index) => ({
    name: `${name}-${index + 1}`,
    code,
    runs: run !== undefined,
  }));
}
