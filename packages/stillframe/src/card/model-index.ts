import { METRIC_INFO, shownValue } from "../evaluate/metric.js";
import { isRepoName } from "../hub/repo-file.js";
import { lastPart } from "./base-model.js";
import type { HubFrontMatter } from "./hub-rules.js";
import { LeftOut } from "./left-out.js";
import { number } from "./markdown.js";
import type { RunRecord } from "./run-record.js";

/** The adapter's measured values for the Hub, each with its numbers of pictures; `undefined` when nothing was measured. */
export function modelIndex({ evaluation, name }: RunRecord): HubFrontMatter["model-index"] {
  if (evaluation instanceof LeftOut) return undefined;
  const { arms, values, real } = evaluation;
  const adapters = arms.filter(({ kind }) => kind === "lora");
  const metrics = adapters.flatMap((arm) =>
    values
      .filter((value) => value.arm === arm.name)
      .map((value) => ({
        type: value.metric,
        value: Number(shownValue(value.metric, value.value).toPrecision(6)),
        name: `${METRIC_INFO[value.metric].label} (${[
          ...(value.network === undefined ? [] : [value.network]),
          ...(adapters.length > 1 ? [arm.name] : []),
          `N = ${number(arm.pictures)} generated, ${number(real.pictures)} real`,
        ].join(", ")})`,
      })),
  );
  if (metrics.length === 0) return undefined;
  const reference = lastPart(real.name);
  const dataset = {
    type: isRepoName(real.name) ? real.name : reference.replaceAll(/[^\w.-]+/g, "-"),
    name: reference,
  };
  return [{ name, results: [{ task: { type: "text-to-image", name: "Text to image" }, dataset, metrics }] }];
}
