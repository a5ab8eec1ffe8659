import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cat, loadWeights, noGrad, readSafetensors, scope, type Tensor, tensor } from "@stillframe/torch";
import { FileFormatError, invalid } from "@stillframe/torch/errors";
import type { RecognitionAccuracy, RecognizingExtractor } from "stillframe";
import { EVALUATOR_FEATURES, EVALUATOR_SIZE, Evaluator, QUESTION_NAMES, QUESTIONS } from "./evaluator.js";
import type { Accuracy, FeatureDeviation } from "./evaluator-accuracy.js";

const FOLDER = fileURLToPath(new URL("../evaluator/", import.meta.url));

const { pooled: POOLED, embedding: EMBEDDING } = EVALUATOR_FEATURES;

/** What `accuracy.json` holds. */
export interface MeasuredAccuracy {
  readonly set: string;
  readonly steps: number;
  /** Features are divided by it, each kind by its own. */
  readonly feature_deviation: FeatureDeviation;
  readonly drawings: Accuracy;
  readonly reconstructions: Accuracy;
}

/**
 * The bundled classifier as `stillframe evaluate --classifier` takes it: features for Fréchet distances, and answers to
 * every question about a picture of one person. It was trained on drawings that no base model and no LoRA has seen.
 *
 * @param folder with `evaluator.safetensors` and `accuracy.json`
 * @throws FileFormatError, WeightsError for files that are not there or not those of this network
 */
export function loadClassifier(folder: string = FOLDER): RecognizingExtractor & { dispose(): void } {
  const evaluator = new Evaluator();
  const weights = `${folder}/evaluator.safetensors`;
  loadWeights(evaluator, readSafetensors(weights).tensors, { source: weights, dtype: "float32" });
  evaluator.requiresGrad_(false);
  const measured = readAccuracy(`${folder}/accuracy.json`);
  const { feature_deviation: deviation } = measured;
  return {
    name: "pocket classifier",
    dimension: POOLED + EMBEDDING,
    prepare: ({ data, width, height }) => {
      if (width !== EVALUATOR_SIZE || height !== EVALUATOR_SIZE)
        throw invalid(
          "picture",
          `${EVALUATOR_SIZE} × ${EVALUATOR_SIZE} pixels for the pocket classifier`,
          `${width} × ${height}`,
        );
      return scope(() =>
        tensor(data, { shape: [height, width, 3] })
          .permute(2, 0, 1)
          .to("float32")
          .div(127.5)
          .sub(1),
      );
    },
    features: (x) =>
      noGrad(() => {
        const { pooled, embedding } = evaluator.describe(x);
        return cat([pooled.div(deviation.pooled), embedding.div(deviation.embedding)], 1);
      }),
    recognition: {
      questions: QUESTIONS,
      style: { question: "look", answer: "anime" },
      name: "name",
      answers: (features: Tensor) => {
        const scores = evaluator.scores(features.narrow(1, POOLED, EMBEDDING).mul(deviation.embedding));
        return Object.fromEntries(
          QUESTION_NAMES.map((q) => [
            q,
            scores[q]
              .argmax(1)
              .toArray()
              .map((at) => QUESTIONS[q][at] as string),
          ]),
        );
      },
      accuracy: shown(measured),
    },
    dispose: () => evaluator.dispose(),
  };
}

function readAccuracy(path: string): MeasuredAccuracy {
  let measured: MeasuredAccuracy;
  try {
    measured = JSON.parse(readFileSync(path, "utf8")) as MeasuredAccuracy;
  } catch (e) {
    throw new FileFormatError(path, `it cannot be read as JSON: ${(e as Error).message}`);
  }
  const { pooled, embedding } = measured.feature_deviation ?? {};
  if (!(pooled > 0 && embedding > 0))
    throw new FileFormatError(
      path,
      `expected feature_deviation above 0 but pooled is ${pooled}, embedding ${embedding}`,
    );
  return measured;
}

function shown({ drawings, reconstructions }: MeasuredAccuracy): RecognitionAccuracy[] {
  const about = ({ style, name, attributes, questions }: Accuracy) => ({ style, name, attributes, questions });
  return [
    { on: `${drawings.pictures} held-out drawings`, ...about(drawings) },
    { on: "the same drawings through the autoencoder", ...about(reconstructions) },
  ];
}

export default loadClassifier();
