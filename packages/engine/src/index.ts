export { type AcceptBatchPorts, type AcceptBatchRequest, acceptBatch } from "./accept-batch.ts";
export {
  type AcceptedJob,
  type AcceptJobPorts,
  type AcceptJobRequest,
  answerOf,
  createAcceptJob,
} from "./accept-job.ts";
export { type AcceptMessageBatchPorts, acceptMessageBatch } from "./accept-message-batch.ts";
export { createPurse, type Purse, type PursePorts } from "./budgets.ts";
export type { LineReader } from "./check-lines.ts";
export { type DeliverPorts, deliver, type SendResult } from "./deliver.ts";
export { type DispatchPorts, type Duty, dispatchDuties } from "./dispatch.ts";
export { failureOf, newEventIds } from "./end-job.ts";
export { createFeeder, type FeedLanes, type FeedLanesPorts } from "./feed-lanes.ts";
export {
  checkPurpose,
  checkUploadBytes,
  type FileLimits,
  fileLifeMs,
  hasExpired,
  keptFilename,
  mostBytesOf,
  tooLarge,
} from "./file-rules.ts";
export { type Admission, createAdmission, isAtRisk, marksRisk } from "./forecast/admit-job.ts";
export { createForecaster, type Forecaster } from "./forecast/forecaster.ts";
export { createForecastPublisher } from "./forecast/publish-forecasts.ts";
export { createForecastReporter, type ForecastReporter, noReports } from "./forecast/report-finishes.ts";
export { gather } from "./gather.ts";
export { keepCapacityWarm } from "./keep-capacity-warm.ts";
export { type KeepTenantsPorts, keepTenants, type TenantBook } from "./keep-tenants.ts";
export { createLaneRoom, type LaneRoom, type LaneRoomPorts } from "./lane-room.ts";
export { type Leading, type LeadPorts, leadDuties } from "./lead.ts";
export { keepLease, type LeaseKeeper, workerLeaseMs } from "./lease-keeper.ts";
export type { ReadMessageLine } from "./message-lines.ts";
export {
  giveWeight,
  keepTargetStates,
  type OperateTargetPorts,
  operateTarget,
  shiftTraffic,
} from "./operate-targets.ts";
export { bytesOf, payloadOf } from "./payloads.ts";
export { cacheSignals } from "./place-job.ts";
export { type PoolReport, readPools, type TargetReport } from "./pool-report.ts";
export { type PreviewRoutePorts, previewJob, previewRoute } from "./preview-route.ts";
export { type Hand, processJob } from "./process-job.ts";
export type { ProcessJobPorts, ResultLine } from "./process-job-ports.ts";
export { type ReadFilePorts, readFile } from "./read-file.ts";
export { readMessageResults } from "./read-message-results.ts";
export { type ReadWindowsPorts, readWindows, type WindowReport } from "./read-windows.ts";
export { createReceiverGate, type ReceiverGate, type ReceiverGateOptions } from "./receiver-gate.ts";
export { createKeyUseRecorder, type KeyUseRecorder, type RecordKeyUsePorts } from "./record-key-use.ts";
export { createWaitRecorder, type RecordWaitsPorts, type WaitRecorder } from "./record-waits.ts";
export {
  forecastRedrive,
  type RedriveForecast,
  type RedrivePorts,
  type RedriveRequest,
  type RedriveResult,
  redriveDeadLetters,
} from "./redrive.ts";
export { type RenderEventPorts, renderEvent } from "./render-event.ts";
export { type JobRequestFields, longestDeadlineMs, parseMoment, specJob } from "./spec-job.ts";
export type { ReadBatchLine } from "./spec-line.ts";
export { isBlank, type RawLine, splitLines } from "./split-lines.ts";
export { type EndedStream, endOfStream, leadOfResponse } from "./streams/end-of-stream.ts";
export { createStreamFollower, type StreamFollower } from "./streams/follow-streams.ts";
export { systemClock, systemRandom } from "./system.ts";
export { tenantConfig } from "./tenant-config.ts";
export { type EndpointTest, type TestEndpointPorts, testEndpoint } from "./test-endpoint.ts";
export { createTurns, type Turns } from "./turns.ts";
export {
  addPart,
  cancelUpload,
  checkTakesParts,
  completeUpload,
  keepContent,
  uploadAt,
  uploadLifeMs,
} from "./uploads.ts";
export {
  type ValidateBatchPorts,
  validateBatch,
} from "./validate-batch.ts";
export { createJobWaiter, type JobWaiter } from "./wait-for-job.ts";
export { createWaker } from "./wake-parked.ts";
export { createJobWatcher, type JobWatcher } from "./watch-jobs.ts";
export { createWindowSizes, type WindowSizes, type WindowSizesPorts } from "./window-sizes.ts";
export { type ProviderSignals, withProviderSignals } from "./with-provider-signals.ts";
