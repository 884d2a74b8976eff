/** Where the first bucket ends, and how many buckets double it; as in `histogram.lua`. */
const firstBucketMs = 10;
const bucketsPerDoubling = 4;

/**
 * A percentile (`share` of 0..1) of the latencies in `buckets`, given as bucket and calls alternating: ms, within
 * the bucket's width of 19 %. `undefined` without any call.
 */
export function latencyPercentile(buckets: readonly number[], share: number): number | undefined {
  const calls = buckets.reduce((sum, value, n) => (n % 2 === 1 ? sum + value : sum), 0);
  const wanted = share * calls;
  let seen = 0;
  for (let n = 0; n < buckets.length; n += 2) {
    seen += buckets[n + 1] ?? 0;
    if (seen >= wanted) return middleOf(buckets[n] ?? 0);
  }
  return undefined;
}

function middleOf(bucket: number): number {
  return Math.round(firstBucketMs * 2 ** ((bucket + 0.5) / bucketsPerDoubling));
}
