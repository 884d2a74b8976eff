import type { Command } from "commander";
import { command, type Finish } from "./command.ts";
import type { CliContext } from "./context.ts";

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
const load = () => import("./commands/webhooks.ts");

/** `webhooks …`: endpoints, and what became of the webhooks to them. */
export function addWebhooks(program: Command, context: CliContext, finish: Finish): void {
  const webhooks = command(program, "webhooks", {
    description: "endpoints that are told of events, and what became of each webhook",
    examples: [
      "sluice webhooks create https://example.com/hook --event job.succeeded --event batch.completed",
      "sluice webhooks deliveries we_…",
      "sluice webhooks replay we_… --since 24h",
    ],
  });
  addEndpoints(webhooks, context, finish);
  addSecrets(webhooks, context, finish);
  addDeliveries(webhooks, context, finish);
}

function addEndpoints(webhooks: Command, context: CliContext, finish: Finish): void {
  command(webhooks, "list", { description: "list endpoints", examples: ["sluice webhooks list"] })
    .option("--limit <number>", "at most 100", "20")
    .option("--after <id>", "the page behind this endpoint")
    .option("--json", "the page as JSON")
    .action(async (flags) => finish((await load()).listEndpoints(context, flags)));
  withFields(
    command(webhooks, "create <url>", {
      description: "register an endpoint; its secret is shown this once",
      examples: ["sluice webhooks create https://example.com/hook --event job.succeeded"],
    }),
  ).action(async (url, flags) => finish((await load()).createEndpoint(context, url, flags)));
  withFields(
    command(webhooks, "update <endpoint>", {
      description: "change an endpoint, disable it or enable it again",
      examples: [
        "sluice webhooks update we_… --url https://example.com/new",
        "sluice webhooks update we_… --enable",
      ],
    })
      .option("--url <url>", "where its webhooks go")
      .option("--enable", "after it was disabled; what it missed comes by a replay")
      .option("--disable", "it gets nothing more"),
  ).action(async (id, flags) => finish((await load()).updateEndpoint(context, id, flags)));
  command(webhooks, "delete <endpoint>", {
    description: "delete an endpoint",
    examples: ["sluice webhooks delete we_…"],
  })
    .option("--json", "the answer as JSON")
    .action(async (id, flags) => finish((await load()).deleteEndpoint(context, id, flags)));
}

function withFields(made: Command): Command {
  return made
    .option("--event <type>", "an event type that it is told of; may be repeated", collect)
    .option("--name <text>", "to know it by")
    .option("--payload <thin|full>", "the id only, or the whole object up to 64 KiB")
    .option("--json", "the endpoint as JSON");
}

function addSecrets(webhooks: Command, context: CliContext, finish: Finish): void {
  command(webhooks, "rotate <endpoint>", {
    description: "give an endpoint a new secret, shown this once",
    examples: ["sluice webhooks rotate we_… --keep-old"],
  })
    .option("--keep-old", "the old secret signs too for 24 hours")
    .option("--json", "the endpoint as JSON")
    .action(async (id, flags) => finish((await load()).rotateSecret(context, id, flags)));
  command(webhooks, "ping <endpoint>", {
    description: "send a test event and show the answer's status",
    examples: ["sluice webhooks ping we_… --event batch.completed"],
  })
    .option("--event <type>", "the type of the test event", "job.succeeded")
    .option("--json", "the answer as JSON")
    .action(async (id, flags) => finish((await load()).ping(context, id, flags)));
}

function addDeliveries(webhooks: Command, context: CliContext, finish: Finish): void {
  command(webhooks, "deliveries [endpoint]", {
    description: "webhooks with status, latency and answer, newest first",
    examples: ["sluice webhooks deliveries we_… --status given_up"],
  })
    .option("--status <state>", "pending, succeeded or given_up")
    .option("--limit <number>", "at most 100", "20")
    .option("--after <id>", "the page behind this delivery")
    .option("--json", "the page as JSON, with every attempt")
    .action(async (id, flags) => finish((await load()).deliveries(context, id, flags)));
  command(webhooks, "redeliver <delivery>", {
    description: "send the event of a delivery again",
    examples: ["sluice webhooks redeliver dlv_…"],
  })
    .option("--json", "the delivery as JSON")
    .action(async (id, flags) => finish((await load()).redeliver(context, id, flags)));
  command(webhooks, "replay <endpoint>", {
    description: "send an endpoint all its events since a time again",
    examples: ["sluice webhooks replay we_… --since 24h"],
  })
    .requiredOption("--since <time-or-duration>", "such as 2026-11-28T08:00:00Z, or 24h back from now")
    .option("--json", "the answer as JSON")
    .action(async (id, flags) => finish((await load()).replay(context, id, flags)));
}
