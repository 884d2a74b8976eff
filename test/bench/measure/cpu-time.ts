import { readdirSync, readFileSync } from "node:fs";

/** CPU time in ms that a process, its children and the children it has buried have used so far; 0 once it is gone. */
export function cpuMsOfTree(pid: number): number {
  const stats = readStats();
  const members = new Set([pid]);
  // Children have higher ids or come later often, not always: repeat until no more are found.
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const [id, stat] of stats) if (members.has(stat.parent)) members.add(id);
  }
  return [...members].reduce((sum, id) => sum + (stats.get(id)?.cpuMs ?? 0), 0);
}

/** Linux counts in ticks of 10 ms (USER_HZ is 100 on every architecture that Node runs on). */
const msPerTick = 10;

interface ProcessStat {
  readonly parent: number;
  /** Its own and that of children it has waited for. */
  readonly cpuMs: number;
}

function readStats(): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  return stats;
}

function readStat(name: string): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${name}/stat`, "utf8");
    // The second field is the program's name in brackets and may hold anything; what follows is numbers.
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [utime = 0, stime = 0, childUtime = 0, childStime = 0] = fields.slice(11, 15);
    return { parent: fields[1] ?? 0, cpuMs: (utime + stime + childUtime + childStime) * msPerTick };
  } catch {
    // It ended between the listing and the reading.
    return undefined;
  }
}
