/** Where a process can be made to die, and the file that has its mark. */
export const failpoints = {
  "after-answer-before-outcome": "packages/engine/src/settle-attempt.ts",
  "after-outcome-before-lane": "packages/engine/src/settle-attempt.ts",
  "after-accept-before-lane": "packages/engine/src/accept-job.ts",
  "after-accept-before-202": "packages/engine/src/accept-job.ts",
} as const;

/** The name of a failpoint. */
export type Failpoint = keyof typeof failpoints;

/** How a mark stands in the source, on a line of its own: a comment, so that nothing of it is there in production. */
export function markOf(name: Failpoint): string {
  return `// failpoint: ${name}`;
}

/** A source with its marks made into calls of `failpoint`. */
export function compileFailpoints(source: string): string {
  return source.replaceAll(/^(\s*)\/\/ failpoint: ([\w-]+)$/gm, '$1globalThis["failpoint"]("$2");');
}
