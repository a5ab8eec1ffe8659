export {
  bootstrapInterval,
  drawResamples,
  type Interval,
  pairedDifferences,
  type ResampleOptions,
  type Resamples,
  resampledMeans,
} from "./bootstrap.js";
export { type ChartPoint, type DotChart, dotChart, type LineChart, lineChart } from "./chart.js";
export { type Clip, clipScore, clipTextEmbeddings, loadClip, loadClipVision } from "./clip-score.js";
export { type ClipVisionConfig, ClipVisionModel, clipExtractor, clipVisionConfig } from "./clip-vision.js";
export { type CmmdOptions, clipMmd, cmmdOfSamples } from "./cmmd.js";
export { convertTorchWeights, readTorchWeights, type TorchWeightsOptions } from "./convert-weights.js";
export { Dinov2, type Dinov2Config, type Dinov2Options, dinov2Config, dinov2Extractor, loadDinov2 } from "./dinov2.js";
export { ARM_KINDS, type Evaluation, EvaluationSchema, readEvaluation, writeEvaluation } from "./evaluation.js";
export { evaluationPage, type PageParts } from "./evaluation-page.js";
export type { FeatureExtractor } from "./extractor.js";
export { extrapolate, type FidAtSize, type FidInfinity, fidInfinity, infinityCaveat } from "./fid-infinity.js";
export { type FloorOptions, type RealFloor, realFloor } from "./floor.js";
export {
  covarianceRank,
  frechetDistance,
  frechetOfFeatures,
  frechetToGaussian,
  type PictureCounts,
} from "./frechet.js";
export {
  INCEPTION_DIMENSIONS,
  type InceptionDimension,
  InceptionV3,
  inceptionExtractor,
  loadInception,
} from "./inception.js";
export {
  collectFeatures,
  collectStatistics,
  type FeatureBatch,
  type FeatureSet,
  featureBatches,
  type InputOptions,
  listPictures,
  type MeasuredPicture,
  sharedPictures,
} from "./inputs.js";
export { type Kid, type KidOptions, kernelInceptionDistance, kidOfSamples, type SubsetRows } from "./kid.js";
export { LPIPS_NETWORKS, Lpips, type LpipsFiles, type LpipsNetwork, loadLpips, lpipsDiversity } from "./lpips.js";
export {
  type Arm,
  type ArmValue,
  type Difference,
  FEATURE_KINDS,
  type FeatureKind,
  type MeasureEvent,
  type Measurements,
  type MeasureOptions,
  measureFeatures,
  smallSampleCaveat,
} from "./measure.js";
export { formatValue, METRIC_INFO, METRICS, type Metric, type MetricInfo } from "./metric.js";
export { type MetricCell, type MetricRow, metricRows, metricTable } from "./metric-table.js";
export { type CopyCheck, copyCheck, type NearestPair } from "./nearest.js";
export { type NumpyArray, readNpz, readStatistics, writeStatistics } from "./npz.js";
export {
  type DensityCoverage,
  densityCoverage,
  type PrdcOptions,
  type PrecisionRecall,
  precisionRecall,
} from "./prdc.js";
export {
  type Expected,
  type Recognised,
  type RecognisedMetric,
  type Recognition,
  type RecognitionAccuracy,
  type RecognizingExtractor,
  recognise,
  recognizes,
  type Share,
} from "./recognition.js";
export { evaluationPlots, type ReportOptions, type WrittenReport, writeReport } from "./report.js";
export { FID_RESIZES, type FidResize, inceptionInput } from "./resize.js";
export { type Halves, halves, selectBest } from "./selection.js";
export { FeatureStatistics, type Gaussian, gaussianOf } from "./statistics.js";
export { SQUARINGS, type Squaring, visionInput } from "./vision-input.js";
