/** The workers among the roles' health URLs. */
export function workerUrls(health: Readonly<Record<string, string>>): string[] {
  return Object.entries(health).flatMap(([name, url]) => (name.startsWith("worker") ? [url] : []));
}
