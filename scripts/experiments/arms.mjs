// What is compared: how each adapter (or whole model) is trained, and what is asked of which.

const EVERY_TEXT = ["--train_text_encoder"];
/** A rate that rises over so many steps, and then stays or falls to nothing by half a cosine. */
const schedule = ({ rising, falls }) => [
  ...(falls ? ["--lr_scheduler=cosine"] : rising > 0 ? ["--lr_scheduler=constant_with_warmup"] : []),
  ...(rising > 0 ? [`--lr_warmup_steps=${rising}`] : []),
];

/**
 * Layers of the UNet's blocks. The bundled base, like SDXL, has no attention at its top level: an adapter of attention does not
 * reach the level that draws lines. Linear layers reach it through `time_emb_proj` alone, convolutions as such.
 */
const LINEAR = "to_q,to_k,to_v,to_out.0,proj_in,proj_out,ff.net.0.proj,ff.net.2,time_emb_proj";
const CONVOLUTIONS = "conv1,conv2,conv_shortcut,conv";
const ALL = { layers: "all of blocks", targets: `${LINEAR},${CONVOLUTIONS}` };

/**
 * The text encoders learn more slowly, so that they keep the names of people who are in no still. Faces, and mouths above all,
 * count more than the places behind them: the stills say where they are.
 */
const QUICKSTART = {
  ...{ rank: 16, lr: 2e-3, textLr: 3e-4, batch: 8, steps: 1200, warmup: 20, falls: true, texts: true },
  regions: true,
};

/**
 * Trainings on the same stills. Quickstart's adapters see 9,600 pictures, those of the first user's settings 2,000; `full` has as many steps, a fifth more time than `quickstart`.
 * Without `targets` the adapter is one of attention, as in the reference script. Those that are not `main` are asked fewer
 * prompts.
 */
export const TRAININGS = {
  quickstart: { ...QUICKSTART, ...ALL },
  "no regions": { ...QUICKSTART, ...ALL, regions: false, main: false },
  "linear alone": { ...QUICKSTART, layers: "all linear", targets: LINEAR, main: false },
  "attention alone": { ...QUICKSTART, main: false },
  baseline: { rank: 4, lr: 1e-4, batch: 1, steps: 2000, warmup: 0, texts: false },
  stable: { rank: 16, lr: 1e-5, batch: 2, steps: 1000, warmup: 200, texts: true },
  "baseline, higher rate": { rank: 4, lr: 2e-3, batch: 1, steps: 2000, warmup: 0, texts: false, main: false },
  "stable, higher rate": { rank: 16, lr: 2e-4, batch: 2, steps: 1000, warmup: 200, texts: true, main: false },
  full: { rank: null, lr: 3e-4, batch: 8, steps: 1200, warmup: 20, falls: true, texts: true, regions: true },
};

/** The options of `stillframe train` for one of them. */
export function trainOptions(training, { scale = 1 } = {}) {
  const { rank, targets, lr, textLr, batch, steps, warmup: rising, falls = false, texts, regions = false } = training;
  const scaled = (n) => Math.max(1, Math.round(n * scale));
  return [
    ...(rank === null ? ["--method=full"] : [`--rank=${rank}`]),
    ...(targets === undefined ? [] : [`--target_modules=${targets}`]),
    ...[`--learning_rate=${lr}`, `--train_batch_size=${batch}`, `--max_train_steps=${scaled(steps)}`],
    ...schedule({ rising: rising === 0 ? 0 : scaled(rising), falls }),
    ...(texts ? EVERY_TEXT : []),
    ...(textLr === undefined ? [] : [`--text_encoder_lr=${textLr}`]),
    ...(regions ? ["--regions_column=objects"] : []),
  ];
}

/**
 * Sets of pictures. All have the same prompts and seeds; `words` says in which of their forms the prompts are: as the base
 * knows them (`base`), with the style's words (`styled`), or without a word on the look (`plain`). Those that are not
 * `main` are drawn for fewer prompts.
 */
export const ARMS = [
  { name: "base", words: "base", main: true },
  { name: "base, style's words", words: "styled", main: true },
  ...Object.entries(TRAININGS).map(([name, { main = true }]) => ({ name, training: name, words: "styled", main })),
  { name: "quickstart × 0.5", training: "quickstart", scale: 0.5, words: "styled", main: false },
  { name: "quickstart × 1.3", training: "quickstart", scale: 1.3, words: "styled", main: false },
  { name: "quickstart, no prefix", training: "quickstart", words: "plain", main: false },
];
