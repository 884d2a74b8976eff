/** Reads a variable of the environment; an empty one counts as unset. */
export function fromEnvironment(name: "SLUICE_URL" | "SLUICE_API_KEY"): string | undefined {
  return process.env[name] || undefined;
}
