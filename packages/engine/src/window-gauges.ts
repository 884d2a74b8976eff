import type { Metrics } from "@sluice/domain";

interface Gauged {
  readonly candidateSet: string;
  readonly jobs: number;
  readonly size: { readonly places: number };
}

/** Requests may narrow their targets in any way; the names of metrics must stay few. */
const mostNamed = 100;

/** Makes a function that shows how full the windows of the sets with a backlog are, and zeros for those of before. */
export function createWindowGauges(metrics: Metrics): (windows: Iterable<Gauged>) => void {
  const shown = new Set<string>();

  function show(candidateSet: string, jobs: number, places: number): void {
    metrics.set("sluice_window_jobs", { candidate_set: candidateSet }, jobs);
    metrics.set("sluice_window_places", { candidate_set: candidateSet }, places);
  }

  return (windows) => {
    const gone = new Set(shown);
    for (const { candidateSet, jobs, size } of windows) {
      gone.delete(candidateSet);
      if (!shown.has(candidateSet) && shown.size >= mostNamed) continue;
      shown.add(candidateSet);
      show(candidateSet, jobs, size.places);
    }
    for (const candidateSet of gone) show(candidateSet, 0, 0);
  };
}
