// The image's HEALTHCHECK: 0 when the role's /healthz answers 2xx. Docker ends it after its own timeout.
const port = process.env.SLUICE_HEALTH_PORT || process.env.SLUICE_PORT || "8080";
const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch((error) => error);
if (answer.ok !== true) {
  console.error(answer.status ?? answer.cause?.code ?? answer.message);
  process.exitCode = 1;
}
