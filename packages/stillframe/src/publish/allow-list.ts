import { InvalidArgumentError } from "@stillframe/torch/errors";
import { globToRegExp } from "../dataset-parquet/glob.js";

const PICTURE = "{png,jpg,jpeg,webp,svg}";

/** Everything that may leave this machine, by its path in the repository. What is not here is never sent. */
export const PUBLISHABLE: readonly string[] = [
  "README.md",
  "LICENSE",
  "LICENSE.md",
  "manifest.json",
  "evaluation.json",
  "adapter_config.json",
  "*.safetensors",
  `*.${PICTURE}`,
  `samples/**/*.${PICTURE}`,
  `images/**/*.${PICTURE}`,
];

const EXPRESSIONS = PUBLISHABLE.map(globToRegExp);

/** Whether a path of a repository is on the list; a path that leaves the repository or is hidden is not. */
export function isPublishable(path: string): boolean {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part.startsWith(".")) || /[\\\0]/.test(path)) return false;
  return EXPRESSIONS.some((expression) => expression.test(path));
}

export function checkPublishable(path: string): void {
  if (isPublishable(path)) return;
  throw new InvalidArgumentError(
    `expected adapter weights (*.safetensors), README.md, pictures, manifest.json or evaluation.json for a file to publish but received ${JSON.stringify(path)}; checkpoints, logs, caches and settings are never sent`,
  );
}
