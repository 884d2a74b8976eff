import { readFileSync } from "node:fs";

/** A TypeScript snippet of the client's README. */
export interface Snippet {
  /** The heading it stands under and its number there, fit for a file's name. */
  readonly name: string;
  readonly code: string;
  /** Whether it says that it ends by itself when it is run against a cluster. */
  readonly runs: boolean;
}

const readme = new URL("../../packages/client/README.md", import.meta.url);

/** All TypeScript snippets of the client's README. */
export function readmeSnippets(): Snippet[] {
  return readFileSync(readme, "utf8")
    .split(/^## /m)
    .flatMap((section) => {
      const heading = section
        .slice(0, section.indexOf("\n"))
        .toLowerCase()
        .replaceAll(/[^a-z]+/g, "-");
      return [...section.matchAll(/^```ts( run)?\n(.*?)^```$/gms)].map(([, run, code = ""], index) => ({
        name: `${heading}-${index + 1}`,
        code,
        runs: run !== undefined,
      }));
    });
}
