/** Decides by the `Authorization` header whether a caller from elsewhere may read the metrics. */
export type AuthorizeMetrics = (authorization: string | undefined) => boolean | Promise<boolean>;

export interface MetricsCaller {
  /** Address of the socket's other end; a forwarded-for header proves nothing. */
  readonly remoteAddress: string | undefined;
  readonly authorization: string | undefined;
}

/** Metrics are for this machine and for those `authorize` lets in (nobody, when it is not given). */
export async function mayReadMetrics(caller: MetricsCaller, authorize?: AuthorizeMetrics): Promise<boolean> {
  if (isLoopback(caller.remoteAddress)) return true;
  return authorize === undefined ? false : authorize(caller.authorization);
}

function isLoopback(address: string | undefined): boolean {
  return address === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address ?? "");
}
