interface Definition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const callSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const storeSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const rows = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];

/**
 * Every metric Sluice has. Labels hold what the configuration or the code names (targets, lanes, routes), never a
 * tenant, job or URL: their number would be without bound.
 */
export const metricTable = {
  sluice_jobs_accepted_total: {
    type: "counter",
    help: "Jobs whose row is committed (job.accepted).",
    labels: ["sla"],
  },
  sluice_jobs_finished_total: {
    type: "counter",
    help: "Jobs that reached their terminal state (job.finished).",
    labels: ["outcome"],
  },
  sluice_eta_finished_total: {
    type: "counter",
    help: "Jobs with a predicted finish that got their result: by their p50, between it and their p95, or late.",
    labels: ["kept"],
  },
  sluice_jobs_held_total: {
    type: "counter",
    help: "Times a job was put back to wait without an attempt being spent, by the limit in its way (job.held).",
    labels: ["limit"],
  },
  sluice_rule_errors_total: {
    type: "counter",
    help: "Times a rule of a model could not be evaluated and so did not match (rule.failed).",
    labels: ["model"],
  },
  sluice_jobs_woken_total: {
    type: "counter",
    help: "Parked jobs that were put back into their lanes because room came free (job.woken).",
    labels: [],
  },
  sluice_attempts_total: {
    type: "counter",
    help: "Calls to targets by how they ended (attempt.settled).",
    labels: ["target", "outcome"],
  },
  sluice_attempt_duration_seconds: {
    type: "histogram",
    help: "Time from sending a call to the end of its answer.",
    labels: ["target"],
    buckets: callSeconds,
  },
  sluice_attempt_first_token_seconds: {
    type: "histogram",
    help: "Time from sending a call to the first part of its streamed answer.",
    labels: ["target"],
    buckets: callSeconds,
  },
  sluice_tokens_total: {
    type: "counter",
    help: "Tokens as reported by targets; direction is input or output.",
    labels: ["target", "direction"],
  },
  sluice_spend_usd_total: {
    type: "counter",
    help: "Cost of settled attempts in US dollars.",
    labels: ["target"],
  },
  sluice_duplicate_spend_total: {
    type: "counter",
    help: "Calls made again that may have been paid for: their worker died or stopped while they were under way.",
    labels: [],
  },
  sluice_outcomes_fenced_total: {
    type: "counter",
    help: "Outcomes of late owners that the epoch check refused (outcome.fenced).",
    labels: [],
  },
  sluice_reservation_denied_total: {
    type: "counter",
    help: "Reservations refused, by the limit that was in the way (reservation.denied).",
    labels: ["target", "limit"],
  },
  sluice_lane_depth: { type: "gauge", help: "Jobs in a lane by state.", labels: ["lane", "state"] },
  sluice_window_jobs: {
    type: "gauge",
    help: "Jobs of a candidate set in the lanes that do not run, while more of it waits in the ledger; else 0.",
    labels: ["candidate_set"],
  },
  sluice_window_places: {
    type: "gauge",
    help: "Places of that window; express ones come on top.",
    labels: ["candidate_set"],
  },
  sluice_webhook_deliveries_total: {
    type: "counter",
    help: "Webhook attempts by what follows: succeeded, retry or given_up (delivery.attempted).",
    labels: ["result"],
  },
  sluice_webhook_endpoints_disabled_total: {
    type: "counter",
    help: "Webhook endpoints that were disabled because they only failed or answered 410 (endpoint.disabled).",
    labels: [],
  },
  sluice_ledger_flush_rows: {
    type: "histogram",
    help: "Rows written together by one group commit.",
    labels: [],
    buckets: rows,
  },
  sluice_ledger_flush_seconds: {
    type: "histogram",
    help: "Duration of one group commit.",
    labels: [],
    buckets: storeSeconds,
  },
  sluice_http_requests_total: {
    type: "counter",
    help: "HTTP requests answered, by route pattern (request.answered).",
    labels: ["route", "method", "status"],
  },
  sluice_http_request_duration_seconds: {
    type: "histogram",
    help: "Time from a request's head to the end of its answer.",
    labels: ["route", "method", "status"],
    buckets: requestSeconds,
  },
  sluice_event_loop_lag_seconds: {
    type: "gauge",
    help: "99th percentile of the event loop's delay since the last scrape.",
    labels: [],
  },
  sluice_warnings: {
    type: "gauge",
    help: "1 while a readiness warning of this cause holds, else 0.",
    labels: ["cause"],
  },
} as const satisfies Record<string, Definition>;

type Table = typeof metricTable;

/** The name of any metric. */
export type MetricName = keyof Table;

/** The names of the metrics of one type. */
export type MetricNameOf<Type extends Definition["type"]> = {
  [Name in MetricName]: Table[Name]["type"] extends Type ? Name : never;
}[MetricName];

/** Exactly the labels a metric has. */
export type MetricLabels<Name extends MetricName> = Readonly<Record<Table[Name]["labels"][number], string>>;
