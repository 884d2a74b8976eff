// The supervisor: servers, simulators and roles as processes that are kept running and drained in order.
export type { ChildSpec, Cluster } from "./cluster-types.ts";
export { type ClusterMain, runCluster } from "./run-cluster.ts";
export { startCluster } from "./start-cluster.ts";
