// Preloaded (node --import) into every process that the supervisor starts: a process whose supervisor is gone, even by
// kill -9, ends at once and as abruptly as in a crash. The promise of the product holds through that by design.
if (process.connected) {
  process.on("disconnect", () => process.exit(1));
  // The channel alone is no reason to stay alive.
  process.channel?.unref();
}
