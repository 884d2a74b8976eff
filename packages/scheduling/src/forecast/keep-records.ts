import type { EstimateRecord, KeptPromise } from "@sluice/domain";

/** How predictions of late have been kept, by model. */
export interface Records {
  add(finished: readonly KeptPromise[]): void;
  read(): Record<string, EstimateRecord>;
}

/** Then all counts are halved: what lies back weighs less. */
const most = 2_000;

/** Counts kept predictions, on from what another leader had published; models are few. */
export function createRecords(begin: Readonly<Record<string, EstimateRecord>> = {}): Records {
  const records = new Map(Object.entries(begin));
  return {
    add(promises) {
      for (const { model, finishedAt, estimate } of promises) {
        const { finished, byP50, byP95 } = records.get(model) ?? { finished: 0, byP50: 0, byP95: 0 };
        const scale = finished >= most ? 0.5 : 1;
        records.set(model, {
          finished: finished * scale + 1,
          byP50: byP50 * scale + (finishedAt <= estimate.p50At ? 1 : 0),
          byP95: byP95 * scale + (finishedAt <= estimate.p95At ? 1 : 0),
        });
      }
    },
    read: () => Object.fromEntries(records),
  };
}
