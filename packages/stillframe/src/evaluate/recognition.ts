import { noGrad, scope, type Tensor } from "@stillframe/torch";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import type { FeatureExtractor } from "./extractor.js";
import type { Metric } from "./metric.js";

/** Right answers among those that were looked at. */
export interface Share {
  readonly right: number;
  readonly of: number;
}

/** How often a network's own answers are right, on pictures whose truth is known and that it was not trained on. */
export interface RecognitionAccuracy {
  /** Which pictures, as a reader sees it: `2000 held-out drawings`. */
  readonly on: string;
  readonly style: Share;
  readonly name: Share;
  readonly attributes: Share;
  readonly questions?: Readonly<Record<string, Share>>;
}

/** What a network can say of a picture beyond its features: answers to questions that prompts ask. */
export interface Recognition {
  /** Every question with its possible answers. */
  readonly questions: Readonly<Record<string, readonly string[]>>;
  /** Which answer to which question tells the style. */
  readonly style: { readonly question: string; readonly answer: string };
  /** The question for a name, which is counted apart; none where nothing has a name. */
  readonly name?: string;
  /** Features `[b, d]` of the same network → for each question the answer for each row. */
  answers(features: Tensor): Readonly<Record<string, readonly string[]>>;
  /** Shown beside every share; the first is what shares of generated pictures are best held against. */
  readonly accuracy: readonly RecognitionAccuracy[];
}

/** A network that gives features and recognises things. */
export type RecognizingExtractor = FeatureExtractor & { readonly recognition: Recognition };

/** What a prompt asks for: question to answer; null and undefined ask nothing. */
export type Expected = Readonly<Record<string, string | null | undefined>>;

/** Whether a network recognises things. */
export const recognizes = (extractor: FeatureExtractor): extractor is RecognizingExtractor =>
  (extractor as Partial<RecognizingExtractor>).recognition !== undefined;

/**
 * Whether an object is a recognition that can be asked.
 *
 * @throws InvalidArgumentError naming what is missing
 */
export function checkRecognition(given: Recognition, source: string): void {
  const wrong = (what: string) => new InvalidArgumentError(`expected ${what} in the recognition of ${source}`);
  if (typeof given.answers !== "function") throw wrong("a function answers(features)");
  if (typeof given.questions !== "object" || given.questions === null) throw wrong("questions with their answers");
  const { style, name, accuracy } = given;
  if (given.questions[style?.question]?.includes(style?.answer) !== true)
    throw wrong("style as a question that it knows and one of its answers");
  if (name !== undefined && given.questions[name] === undefined) throw wrong("name as a question that it knows");
  const shares = (accuracy ?? []).flatMap((a) => [a.style, a.name, a.attributes]);
  if (shares.length === 0 || !shares.every((s) => s?.of > 0 && s.right >= 0 && s.right <= s.of))
    throw wrong("its own accuracy (on, style, name, attributes as right and of)");
}

/**
 * Checks that a network knows all that prompts ask.
 *
 * @throws InvalidArgumentError with the first question or answer that it does not know
 */
export function checkExpected({ questions }: Recognition, expected: readonly (Expected | null)[]): void {
  for (const [row, asked] of expected.entries())
    for (const [question, answer] of Object.entries(asked ?? {})) {
      const known = questions[question];
      const where = `prompt ${row + 1} to ask`;
      if (known === undefined)
        throw new InvalidArgumentError(
          `expected ${where} one of ${Object.keys(questions).join(", ")} but received ${question}`,
        );
      if (answer !== null && answer !== undefined && !known.includes(answer))
        throw new InvalidArgumentError(
          `expected ${where} one of ${known.join(", ")} for ${question} but received ${answer}`,
        );
    }
}

/** What was recognised in one set of pictures. Each list has one entry a picture, with `of` 0 where nothing was asked. */
export interface Recognised {
  readonly style: readonly Share[];
  readonly name: readonly Share[];
  readonly attributes: readonly Share[];
  /** Over all pictures that were asked for it. */
  readonly questions: Readonly<Record<string, Share>>;
}

/** Which list of `Recognised` each metric is the share of. */
export const RECOGNISED = {
  style_recognised: "style",
  name_recognised: "name",
  attributes_recognised: "attributes",
} as const satisfies Readonly<Partial<Record<Metric, keyof Recognised>>>;
export type RecognisedMetric = keyof typeof RECOGNISED;

const NOTHING: Share = { right: 0, of: 0 };
const plus = (a: Share, b: Share): Share => ({ right: a.right + b.right, of: a.of + b.of });

/**
 * Asks the network about pictures, by their features.
 *
 * @param features `[n, d]`
 * @param expected what each picture should show; null where that is not known
 */
export function recognise(
  recognition: Recognition,
  features: Tensor,
  expected: readonly (Expected | null)[] | null,
): Recognised {
  const given = scope(() => noGrad(() => recognition.answers(features)));
  const { style: wanted, name } = recognition;
  const share = (question: string, answer: string, row: number): Share => ({
    right: given[question]?.[row] === answer ? 1 : 0,
    of: 1,
  });
  const rows = Array.from({ length: features.size(0) }, (_, row) => row);
  const questions: Record<string, Share> = {};
  const named: Share[] = [];
  const attributes: Share[] = [];
  for (const row of rows) {
    let [own, others] = [NOTHING, NOTHING];
    for (const [question, answer] of Object.entries(expected?.[row] ?? {})) {
      if (answer === null || answer === undefined) continue;
      const found = share(question, answer, row);
      questions[question] = plus(questions[question] ?? NOTHING, found);
      if (question === name) own = found;
      else if (question !== wanted.question) others = plus(others, found);
    }
    named.push(own);
    attributes.push(others);
  }
  return { style: rows.map((row) => share(wanted.question, wanted.answer, row)), name: named, attributes, questions };
}

/** The sum of shares. */
export const total = (shares: readonly Share[]): Share => shares.reduce(plus, NOTHING);
