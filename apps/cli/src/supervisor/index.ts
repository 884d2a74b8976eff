// The supervisor: servers, simulators and roles as processes that are kept running and drained in order.
export { ensureAdminKey } from "./admin-key.ts";
export type { ChildContext, ChildSpec, Cluster, ClusterEvent, ClusterOptions } from "./cluster-types.ts";
export { type ClusterMain, type RunClusterOptions, runCluster } from "./run-cluster.ts";
export { startCluster } from "./start-cluster.ts";
